//! What GitHub documents of workflows, on small ones.

use sluice_github_fake::{File, GitHub};
use sluice_pipelines::{Event, Run, Runner};

/// Runs the workflow that a push starts.
fn pushed(workflow: &str) -> Run {
    with_files(&[(".github/workflows/test.yml", workflow)])
}

fn with_files(files: &[(&str, &str)]) -> Run {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let files: Vec<File> = files.iter().map(|(path, content)| File::new(*path, content)).collect();
    shop.commit("main", "Begin", &files);
    Runner::new(&github).secret("KEY", "hush-hush").runs(&shop, &Event::push(&shop, "main"))
}

/// What the only step `say` of a job printed.
fn said<'a>(run: &'a Run, job: &str) -> &'a str {
    run.job(job).step("say").printed.trim()
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idneeds>
#[test]
fn what_needs_a_job_that_failed_is_skipped_unless_it_says_otherwise() {
    let run = pushed(
        "
on: push
jobs:
  breaks: {runs-on: ubuntu-latest, steps: [{run: exit 1}]}
  next: {needs: breaks, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  last: {needs: next, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  always: {needs: next, if: always(), runs-on: ubuntu-latest, steps: [{name: say, run: 'echo ${{ needs.next.result }}'}]}
  on-failure: {needs: last, if: failure(), runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  after-always: {needs: always, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
",
    );
    run.ends("failure").has_jobs(&[
        ("breaks", "failure"),
        ("next", "skipped"),
        ("last", "skipped"),
        ("always", "success"),
        ("on-failure", "success"),
        // Not what it needs failed, but what that needs: https://github.com/actions/runner/issues/491.
        ("after-always", "skipped"),
    ]);
    assert_eq!(said(&run, "always"), "skipped");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#status-check-functions>
#[test]
fn steps_after_a_failure_run_when_they_ask_for_it() {
    let run = pushed(
        "
on: push
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - {id: forgiven, continue-on-error: true, run: exit 3}
      - {name: say, run: 'echo ${{ steps.forgiven.outcome }} ${{ steps.forgiven.conclusion }} ${{ job.status }}'}
      - {id: breaks, name: breaks, run: 'echo why=written >> $GITHUB_OUTPUT; exit 1'}
      - {name: not, run: 'true'}
      - {name: not either, if: github.ref == 'refs/heads/main', run: 'true'}
      - {name: on failure, if: failure() && steps.breaks.outputs.why == 'written', run: 'true'}
      - {name: always, if: '${{ !cancelled() }}', run: 'true'}
",
    );
    let job = run.ends("failure").job("job");
    let steps: Vec<&str> = job.steps.iter().map(|step| step.conclusion.as_str()).collect();
    assert_eq!(steps, ["success", "success", "failure", "skipped", "skipped", "success", "success"]);
    assert_eq!(job.steps[0].outcome.as_deref(), Some("failure"));
    assert_eq!(said(&run, "job"), "failure success success");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrixinclude>
#[test]
fn a_matrix_is_crossed_extended_and_thinned() {
    let run = pushed(
        "
on: push
jobs:
  fruit:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        fruit: [apple, pear]
        animal: [cat, dog]
        exclude: [{fruit: pear, animal: dog}]
        include:
          - color: green
          - {color: pink, animal: cat}
          - {fruit: apple, shape: circle}
          - {fruit: banana}
          - {fruit: banana, animal: cat}
    steps:
      - {name: say, run: 'echo ${{ matrix.fruit }} ${{ matrix.animal }} ${{ matrix.color }} ${{ matrix.shape }} ${{ strategy.job-index }}/${{ strategy.job-total }}'}
",
    );
    let mut said: Vec<&str> =
        run.ends("success").jobs.iter().map(|job| job.step("say").printed.trim()).collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "apple cat pink circle 0/5",
            "apple dog green circle 1/5",
            "banana 3/5",
            "banana cat 4/5",
            "pear cat pink 2/5"
        ]
    );
    assert!(run.jobs.iter().any(|job| job.path == "fruit (apple, cat, pink, circle)"), "{}", run.trace());
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategyfail-fast>
#[test]
fn the_first_failure_ends_a_matrix_that_runs_one_after_the_other() {
    let workflow = |strategy: &str| {
        format!(
            "
on: push
jobs:
  regions:
    runs-on: ubuntu-latest
    strategy: {{max-parallel: 1, {strategy} matrix: {{region: [one, two, three]}}}}
    steps: [{{run: 'test ${{{{ matrix.region }}}} != two'}}]
  after: {{needs: regions, runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}
"
        )
    };
    let run = pushed(&workflow(""));
    run.ends("failure").has_jobs(&[
        ("regions (one)", "success"),
        ("regions (two)", "failure"),
        ("regions (three)", "cancelled"),
        ("after", "skipped"),
    ]);
    let run = pushed(&workflow("fail-fast: false,"));
    run.ends("failure").has_jobs(&[("regions (two)", "failure"), ("regions (three)", "success")]);
}

/// <https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations>
#[test]
fn a_matrix_comes_from_a_job_before_and_must_hold_something() {
    let workflow = |list: &str| {
        format!(
            "
on: push
jobs:
  list:
    runs-on: ubuntu-latest
    outputs: {{names: '${{{{ steps.list.outputs.names }}}}'}}
    steps: [{{id: list, run: 'echo names={list} >> $GITHUB_OUTPUT'}}]
  each:
    needs: list
    if: needs.list.outputs.names != ''
    strategy: {{matrix: {{name: '${{{{ fromJSON(needs.list.outputs.names) }}}}'}}}}
    runs-on: ubuntu-latest
    steps: [{{name: say, run: 'echo ${{{{ matrix.name }}}}'}}]
"
        )
    };
    pushed(&workflow(r#"[\"a\",\"b\"]"#))
        .ends("success")
        .has_jobs(&[("each (a)", "success"), ("each (b)", "success")]);
    pushed(&workflow("")).ends("success").has_jobs(&[("each", "skipped")]);
    let empty = pushed(&workflow("[]"));
    assert_eq!(
        empty.ends("failure").job("each").error.as_deref(),
        Some("Matrix vector 'name' does not contain any values")
    );
}

const CALLED: &str = "
on:
  workflow_call:
    inputs:
      name: {type: string, required: true}
      many: {type: number, default: 3}
      really: {type: boolean, default: true}
    secrets:
      TOKEN: {required: true}
    outputs:
      greeting: {value: '${{ jobs.greet.outputs.greeting }}'}
env: {HERE: called}
jobs:
  greet:
    runs-on: ubuntu-latest
    outputs: {greeting: '${{ steps.greet.outputs.greeting }}'}
    steps:
      - {id: greet, run: 'echo \"greeting=hello ${{ inputs.name }} ${{ inputs.many }} ${{ inputs.really }} $HERE[$THERE]\" >> $GITHUB_OUTPUT'}
      - {name: say, run: 'test \"${{ secrets.TOKEN }}\" = hush-hush; echo \"<${{ secrets.KEY }}>\" ${{ secrets.TOKEN }}'}
";

fn calling(with: &str, secrets: &str) -> Run {
    let caller = format!(
        "
on: push
env: {{THERE: caller}}
jobs:
  call:
    uses: ./.github/workflows/called.yml
    with: {with}
    secrets: {secrets}
  after:
    needs: call
    runs-on: ubuntu-latest
    steps: [{{name: say, run: 'echo ${{{{ needs.call.outputs.greeting }}}}'}}]
"
    );
    with_files(&[(".github/workflows/caller.yml", &caller), (".github/workflows/called.yml", CALLED)])
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations>
#[test]
fn a_called_workflow_gets_inputs_and_secrets_and_gives_outputs() {
    let run = calling("{name: world}", "{TOKEN: '${{ secrets.KEY }}'}");
    run.ends("success");
    // The variables of the caller are not passed on.
    assert_eq!(said(&run, "after"), "hello world 3 true called[]");
    assert_eq!(said(&run, "call / greet"), "<> ***");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_callinputsinput_idtype>
#[test]
fn a_call_with_wrong_inputs_or_secrets_fails() {
    let wrong = [
        ("{name: a, really: maybe}", "inherit", "is a boolean"),
        ("{name: a, many: '3'}", "{TOKEN: x}", "is a number"),
        ("{name: a}", "{}", "secret TOKEN"),
        ("{many: 4}", "{TOKEN: x}", "input name is required"),
    ];
    for (with, secrets, complaint) in wrong {
        let run = calling(with, secrets);
        let error = run.ends("failure").job("call").error.clone().unwrap();
        assert!(error.contains(complaint), "{error}");
    }
    let run = calling("{name: a, nmae: b}", "{TOKEN: x}");
    assert!(run.ends("startup_failure").error.as_ref().unwrap().contains("nmae"), "{}", run.trace());
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/reusing-workflow-configurations#access-and-permissions>
#[test]
fn a_called_workflow_never_gets_more_permissions_than_its_caller() {
    let caller = "
on: push
permissions: {contents: read}
jobs:
  call: {uses: ./.github/workflows/called.yml}
";
    let reused = "
on: workflow_call
jobs:
  write: {permissions: {contents: write}, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
";
    let run =
        with_files(&[(".github/workflows/caller.yml", caller), (".github/workflows/called.yml", reused)]);
    let error = run.ends("startup_failure").error.as_deref().unwrap();
    assert!(error.contains("requesting 'contents: write', but is only allowed 'contents: read'"), "{error}");
}

/// <https://docs.github.com/en/actions/concepts/workflows-and-actions/concurrency>
#[test]
fn a_group_that_the_caller_holds_is_a_deadlock() {
    let caller = "
on: push
concurrency: deploy-${{ github.ref }}
jobs:
  call: {uses: ./.github/workflows/called.yml}
";
    let reused = "
on: workflow_call
jobs:
  deploy: {concurrency: 'deploy-${{ github.ref }}', runs-on: ubuntu-latest, steps: [{run: 'true'}]}
";
    let run =
        with_files(&[(".github/workflows/caller.yml", caller), (".github/workflows/called.yml", reused)]);
    let error = run.ends("failure").job("call / deploy").error.as_deref().unwrap();
    assert!(error.contains("deadlock for concurrency group 'deploy-refs/heads/main'"), "{error}");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#concurrency>
#[test]
fn of_those_that_wait_in_a_group_only_the_newest_is_left() {
    let workflow = |queue: &str| {
        format!(
            "
on: push
jobs:
  deploy:
    strategy: {{fail-fast: false, matrix: {{region: [one, two, three]}}}}
    concurrency: {{group: deploy{queue}}}
    runs-on: ubuntu-latest
    steps: [{{run: sleep 0.5}}]
"
        )
    };
    let run = pushed(&workflow(""));
    run.ends("cancelled").has_jobs(&[
        ("deploy (one)", "success"),
        ("deploy (two)", "cancelled"),
        ("deploy (three)", "success"),
    ]);
    pushed(&workflow(", queue: max")).ends("success");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
#[test]
fn files_of_the_runner_carry_outputs_variables_paths_and_summaries() {
    let run = pushed(
        r#"
on: push
env: {A: workflow, B: workflow, C: workflow}
defaults: {run: {shell: bash, working-directory: sub}}
jobs:
  job:
    runs-on: ubuntu-latest
    env: {B: job, C: job}
    steps:
      - {run: mkdir -p sub/bin, working-directory: .}
      - run: |
          echo "LATER=by a file" >> "$GITHUB_ENV"
          printf 'TWO<<END\none\ntwo\nEND\n' >> "$GITHUB_ENV"
          printf '#!/bin/sh\necho from the path\n' > bin/tool; chmod +x bin/tool
          echo "$PWD/bin" >> "$GITHUB_PATH"
          echo "**Well**" >> "$GITHUB_STEP_SUMMARY"
      - {name: say, env: {C: step}, run: 'echo "$A $B $C $LATER $(tool) ${{ env.C }} $TWO"; basename "$PWD"'}
      - {name: pipe, continue-on-error: true, run: 'false | true'}
      - {name: bad file, if: always(), run: 'echo nonsense >> $GITHUB_OUTPUT'}
"#,
    );
    let job = run.ends("failure").job("job");
    assert_eq!(said(&run, "job"), "workflow job step by a file from the path step one\ntwo\nsub");
    assert_eq!(job.steps[1].summary, "**Well**\n");
    assert_eq!(
        job.step("pipe").outcome.as_deref(),
        Some("failure"),
        "bash has pipefail when it is asked for by name"
    );
    assert!(job.step("bad file").error.as_ref().unwrap().contains("Invalid format 'nonsense'"));
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs>
#[test]
fn an_output_that_holds_a_secret_arrives_empty() {
    let run = pushed(
        "
on: push
jobs:
  gives:
    runs-on: ubuntu-latest
    outputs: {plain: '${{ steps.o.outputs.plain }}', secret: '${{ steps.o.outputs.secret }}', masked: '${{ steps.o.outputs.masked }}'}
    steps:
      - id: o
        run: |
          echo ::add-mask::made-here
          printf 'plain=yes\\nsecret=a ${{ secrets.KEY }}\\nmasked=made-here\\n' >> $GITHUB_OUTPUT
  takes:
    needs: gives
    runs-on: ubuntu-latest
    steps: [{name: say, run: 'echo \"[${{ needs.gives.outputs.plain }}] [${{ needs.gives.outputs.secret }}] [${{ needs.gives.outputs.masked }}]\"'}]
",
    );
    run.ends("success");
    assert_eq!(said(&run, "takes"), "[yes] [] []");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idcontinue-on-error>
#[test]
fn a_job_that_may_fail_is_a_success_to_what_needs_it() {
    let run = pushed(
        "
on: push
jobs:
  may: {continue-on-error: true, runs-on: ubuntu-latest, steps: [{run: exit 1}]}
  after: {needs: may, runs-on: ubuntu-latest, steps: [{name: say, run: 'echo ${{ needs.may.result }}'}]}
",
    );
    run.ends("success").has_jobs(&[("may", "failure"), ("after", "success")]);
    assert_eq!(said(&run, "after"), "success");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onpushbranchestagsbranches-ignoretags-ignore>
#[test]
fn an_event_starts_the_workflows_whose_filters_let_it_through() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let jobs = "\njobs: {job: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n";
    let workflows = [
        ("main.yml", "on: {push: {branches: [main]}}"),
        ("releases.yml", "on: {push: {branches: ['releases/**', '!releases/**-alpha']}}"),
        ("docs.yml", "on: {push: {paths: ['docs/**', '!docs/drafts/**']}}"),
        ("tags.yml", "on: {push: {tags: ['v*']}}"),
        ("pulls.yml", "on: {pull_request: {branches: [main]}}"),
        ("merged.yml", "on: {pull_request: {types: [closed]}}"),
        ("comments.yml", "on: {issue_comment: {types: [created]}}"),
        ("nightly.yml", "on: {schedule: [{cron: '0 3 * * *'}]}"),
        ("called.yml", "on: workflow_call"),
    ];
    let files: Vec<File> = workflows
        .iter()
        .map(|(name, on)| File::new(format!(".github/workflows/{name}"), format!("{on}{jobs}")))
        .collect();
    let begin = shop.commit("main", "Begin", &files);
    let runner = Runner::new(&github);
    let started = |event: &Event| {
        let names =
            runner.on(&shop, event).into_iter().map(|run| run.workflow.replace(".github/workflows/", ""));
        names.collect::<Vec<_>>()
    };
    shop.commit("main", "Change", &[File::new("src/a", "a")]);
    assert_eq!(started(&Event::push(&shop, "main")), ["main.yml"]);
    shop.commit("main", "Draft", &[File::new("docs/drafts/a", "a")]);
    assert_eq!(started(&Event::push(&shop, "main")), ["main.yml"]);
    shop.branch("releases/1/x", &begin);
    shop.commit("releases/1/x", "Write", &[File::new("docs/a", "a")]);
    assert_eq!(started(&Event::push(&shop, "releases/1/x")), ["docs.yml", "releases.yml"]);
    shop.branch("releases/1-alpha", &begin);
    shop.commit("releases/1-alpha", "Try", &[File::new("src/b", "b")]);
    assert!(started(&Event::push(&shop, "releases/1-alpha")).is_empty());
    let pull = shop.open_pull("octocat", "releases/1/x", "main", None);
    assert_eq!(started(&Event::pull_request(&shop, pull, "opened")), ["pulls.yml"]);
    shop.merge(pull);
    assert_eq!(started(&Event::pull_request(&shop, pull, "closed")), ["merged.yml"]);
    assert_eq!(started(&Event::comment(&shop, 7, "hubot", "/approve")), ["comments.yml"]);
    assert_eq!(started(&Event::schedule(&shop, "0 3 * * *")), ["nightly.yml"]);
    assert!(started(&Event::schedule(&shop, "0 4 * * *")).is_empty());
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputs>
#[test]
fn a_dispatch_gives_inputs_of_their_types() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let workflow = "
on:
  push:
  workflow_dispatch:
    inputs:
      where: {type: choice, options: [dev, production], required: true}
      dry: {type: boolean, default: true}
run-name: To ${{ inputs.where }}
jobs:
  job:
    runs-on: ubuntu-latest
    steps: [{name: say, run: 'echo \"[${{ inputs.where }}] [${{ inputs.dry && 1 || 2 }}] [${{ github.event.inputs.dry }}]\"'}]
";
    shop.commit("main", "Begin", &[File::new(".github/workflows/go.yml", workflow)]);
    let runner = Runner::new(&github);
    let go = |inputs| runner.runs(&shop, &Event::dispatch(&shop, "go.yml", &inputs));
    let run = go(serde_json::json!({"where": "production", "dry": "false"}));
    assert_eq!(said(run.ends("success"), "job"), "[production] [2] [false]");
    assert_eq!(run.told["title"], "To production");
    let run = go(serde_json::json!({"where": "moon"}));
    assert!(run.ends("startup_failure").error.as_ref().unwrap().contains("one of dev, production"));
    let run = runner.runs(&shop, &Event::push(&shop, "main"));
    assert_eq!(said(run.ends("success"), "job"), "[] [2] []");
}

/// <https://docs.github.com/en/actions/tutorials/store-and-share-data>
#[test]
fn artifacts_travel_from_job_to_job() {
    let run = pushed(
        "
on: push
permissions: {}
jobs:
  make:
    runs-on: ubuntu-latest
    strategy: {matrix: {name: [a, b]}}
    steps:
      - {run: 'mkdir -p out/deep; echo ${{ matrix.name }} > out/deep/file; echo no > out/.hidden'}
      - {uses: actions/upload-artifact@v7, with: {name: 'out-${{ matrix.name }}', path: out}}
  take:
    needs: make
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/download-artifact@v8, with: {pattern: out-*, path: all}}
      - {uses: actions/download-artifact@v8, with: {name: out-b, path: one}}
      - {name: say, run: 'find all one -type f | sort; cat one/deep/file'}
      - {uses: actions/download-artifact@v8, with: {name: missing}}
",
    );
    run.ends("failure");
    assert_eq!(said(&run, "take"), "all/out-a/deep/file\nall/out-b/deep/file\none/deep/file\nb");
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions>
#[test]
fn the_token_of_a_job_may_do_what_its_permissions_say() {
    let run = pushed(
        "
on: push
permissions: {}
jobs:
  may: {permissions: {contents: read}, runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v7}, {name: say, run: 'git log --format=%s'}]}
  may-not: {runs-on: ubuntu-latest, steps: [{uses: actions/checkout@v7}]}
",
    );
    run.ends("failure").has_jobs(&[("may", "success"), ("may-not", "failure")]);
    assert_eq!(said(&run, "may"), "Begin");
    assert_eq!(run.job("may").permissions["contents"], "read");
    assert!(run.job("may-not").permissions.is_empty());
}

#[test]
fn what_is_not_supported_is_an_error_even_where_it_is_skipped() {
    let job =
        |rest: &str| format!("\non: push\njobs: {{job: {{if: false, runs-on: ubuntu-latest, {rest}}}}}\n");
    let wrong = [
        (job("container: alpine, steps: [{run: 'true'}]"), "jobs.job: container is not supported"),
        (job("steps: [{uses: somebody/action@v1}]"), "there is no stand-in for somebody/action@v1"),
        (job("steps: [{uses: actions/checkout@v7, with: {ssh-key: x}}]"), "ssh-key is no input of actions/checkout@v7"),
        (
            "\non: push\njobs: {job: {runs-on: ubuntu-latest, steps: [{id: one, run: 'true'}, {run: 'echo ${{ steps.oen.outputs.a }}'}]}}".to_owned(),
            "there is no steps.oen; there are: one",
        ),
        (
            "\non: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}, b: {needs: a, runs-on: ubuntu-latest, steps: [{run: 'echo ${{ needs.a.outputs.typo }}'}]}}".to_owned(),
            "there is no a.outputs.typo; there are: none",
        ),
    ];
    for (workflow, complaint) in wrong {
        let github = GitHub::start();
        let shop = github.repository("acme/shop");
        shop.commit("main", "Begin", &[File::new(".github/workflows/test.yml", workflow)]);
        let refusal = match Runner::new(&github).try_on(&shop, &Event::push(&shop, "main")) {
            Ok(runs) => runs[0].ends("startup_failure").error.clone().unwrap(),
            Err(refusal) => refusal,
        };
        assert!(refusal.contains(complaint), "{refusal}");
    }
}

/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation>
#[test]
fn a_run_that_is_cancelled_ends_what_runs_and_cleans_up() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let runs = tempfile::tempdir().unwrap();
    let mark = runs.path().join("runs");
    let workflow = "
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    steps:
      - {name: long, run: 'trap \"echo told to end; exit 1\" TERM; touch $MARK; while :; do sleep 0.05; done'}
      - {name: next, run: 'true'}
      - {name: failed, if: failure(), run: 'true'}
      - {name: tidy, if: cancelled(), run: 'echo ${{ job.status }}'}
      - {name: always, if: always(), run: 'true'}
  clean:
    if: always()
    runs-on: ubuntu-latest
    steps: [{name: long, run: 'while test ! -e $MARK; do sleep 0.05; done; sleep 0.5'}]
  called: {needs: first, if: '!failure()', uses: ./.github/workflows/called.yml}
  second: {needs: first, runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  last: {needs: first, if: cancelled(), runs-on: ubuntu-latest, steps: [{name: say, run: 'echo ${{ needs.first.result }}'}]}
";
    let reused = "
on: workflow_call
jobs:
  deploy: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}
  notify: {needs: deploy, if: always(), runs-on: ubuntu-latest, steps: [{name: say, run: 'echo ${{ needs.deploy.result }}'}]}
";
    let files = [(".github/workflows/test.yml", workflow), (".github/workflows/called.yml", reused)];
    shop.commit("main", "Begin", &files.map(|(path, content)| File::new(path, content)));
    let marked = mark.clone();
    let run = Runner::new(&github)
        .machine("MARK", &mark.to_string_lossy())
        .cancelled_when(move || marked.exists())
        .runs(&shop, &Event::push(&shop, "main"));
    run.ends("cancelled").has_jobs(&[
        ("first", "cancelled"),
        ("clean", "success"),
        ("second", "skipped"),
        ("last", "success"),
        ("called / deploy", "skipped"),
        ("called / notify", "success"),
    ]);
    let steps: Vec<&str> = run.job("first").steps.iter().map(|step| step.conclusion.as_str()).collect();
    assert_eq!(steps, ["cancelled", "skipped", "skipped", "success", "success"]);
    assert_eq!(run.job("first").step("long").printed.trim(), "told to end");
    assert_eq!(run.job("first").step("tidy").printed.trim(), "cancelled");
    assert_eq!(said(&run, "last"), "cancelled");
    assert_eq!(said(&run, "called / notify"), "skipped");
}

/// <https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs>
#[test]
fn failed_jobs_run_again_with_the_outputs_of_those_that_did_not() {
    let github = GitHub::start();
    let shop = github.repository("acme/shop");
    let folder = tempfile::tempdir().unwrap();
    let workflow = "
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    outputs: {image: '${{ steps.build.outputs.image }}'}
    steps: [{id: build, run: 'echo built >> $DONE; echo image=shop >> $GITHUB_OUTPUT'}]
  deploy:
    needs: build
    runs-on: ubuntu-latest
    steps: [{name: say, run: 'echo ${{ needs.build.outputs.image }} ${{ github.run_attempt }}; test ${{ github.run_attempt }} = 2'}]
  told: {needs: deploy, if: always(), runs-on: ubuntu-latest, steps: [{run: 'echo told >> $DONE'}]}
";
    shop.commit("main", "Begin", &[File::new(".github/workflows/test.yml", workflow)]);
    let done = folder.path().join("done");
    let runner = Runner::new(&github).machine("DONE", &done.to_string_lossy());
    let event = Event::push(&shop, "main");
    let failed = runner.runs(&shop, &event);
    failed.ends("failure").has_jobs(&[("build", "success"), ("told", "success")]);
    let run = runner.runs_again(&shop, &event, &failed);
    assert_eq!(run.ends("success").id, failed.id);
    assert_eq!(said(&run, "deploy"), "shop 2");
    assert_eq!(std::fs::read_to_string(&done).unwrap(), "built\ntold\ntold\n");
}
