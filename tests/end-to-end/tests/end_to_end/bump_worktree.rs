//! bump-image-tag writes files on disk: killed at any moment, and many at once.

use std::time::{Duration, Instant};

use sluice_end_to_end::Repository;

/// Files of several formats, each in a folder of its own; `TAG` is the version.
const FILES: [(&str, &str); 5] = [
    (
        "k8s/dev/kustomization.yaml",
        "# dev\r\nresources: [../../base]\r\nimages:\r\n- name: registry.example.com/shop/api\r\n  newTag: 'TAG'\r\n",
    ),
    (
        "charts/shop/values.yaml",
        "api:\n    image: # the api\n        repository: registry.example.com/shop/api\n        tag:   TAG   # by the pipeline\n",
    ),
    (
        "apps/api.yaml",
        "---\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - {name: api, image: 'registry.example.com/shop/api:TAG'}\n---\nkind: Service\napiVersion: v1",
    ),
    (
        "argo/shop.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image: registry.example.com/shop/api:TAG\n",
    ),
    ("compose/compose.yaml", "\u{feff}services:\n  api: {image: \"registry.example.com/shop/api:TAG\"}\n"),
];

fn repository(tag: &str) -> Repository {
    let repository = Repository::new();
    for (file, text) in FILES {
        repository.write(file, text.replace("TAG", tag));
    }
    repository
}

#[expect(clippy::unwrap_used, reason = "a test may panic, and so may the functions that it is made of")]
fn set(repository: &Repository, tag: &str) -> sluice_end_to_end::Running {
    let image = format!("--image=registry.example.com/shop/api:{tag}");
    let folders = FILES.map(|(file, _)| format!("--overlay={}", file.rsplit_once('/').unwrap().0));
    let run = repository.run("bump-image-tag").argument(&image);
    folders.iter().fold(run, |run, folder| run.argument(folder)).starts()
}

/// What lies in the folders, hidden files too.
#[expect(clippy::unwrap_used, reason = "a test may panic, and so may the functions that it is made of")]
fn names(repository: &Repository) -> Vec<String> {
    let mut names = Vec::new();
    for (file, _) in FILES {
        let folder = repository.path().join(file);
        for entry in folder.parent().unwrap().read_dir().unwrap() {
            names.push(entry.unwrap().file_name().into_string().unwrap());
        }
    }
    names
}

#[test]
fn a_run_that_is_killed_leaves_each_file_old_or_new() {
    const RUNS: u32 = 100;
    let repository = repository("v0");
    let started = Instant::now();
    set(&repository, "v1").ends().exits(0);
    let whole = started.elapsed();

    let mut before = vec!["v1".to_owned(); FILES.len()];
    for number in 0..RUNS {
        let at = whole * (RUNS / 5 + number) / RUNS;
        let tag = format!("v{}", number + 2);
        let run = set(&repository, &tag);
        std::thread::sleep(at);
        run.kill();
        run.ends();
        for ((file, text), before) in FILES.iter().zip(&mut before) {
            let now = repository.read(file);
            if now == text.replace("TAG", &tag) {
                before.clone_from(&tag);
            }
            assert_eq!(now, text.replace("TAG", before), "{file} is neither old nor new");
        }
    }

    // Files that stand at several versions are one decision each; whatever was left beside them goes.
    repository.write("k8s/dev/.sluice-left.tmp", "half");
    for (file, text) in FILES {
        repository.write(file, text.replace("TAG", "v1"));
    }
    set(&repository, "last").ends().exits(0);
    for (file, text) in FILES {
        assert_eq!(repository.read(file), text.replace("TAG", "last"));
    }
    let left: Vec<String> = names(&repository).into_iter().filter(|name| name.starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn of_many_runs_at_once_on_one_file_every_one_lands() {
    const RUNS: usize = 30;
    let overlay = |tag: &str| {
        let entries =
            (0..RUNS).map(|number| format!("- name: image-{number} # number {number}\n  newTag: {tag}\n"));
        format!("images:\n{}", entries.collect::<String>())
    };
    let repository = Repository::new();
    repository.write("k8s/dev/kustomization.yaml", overlay("v1"));
    let runs: Vec<_> = (0..RUNS)
        .map(|number| {
            let image = format!("--image=image-{number}:v2");
            repository.run("bump-image-tag").argument(&image).argument("--overlay=k8s/dev").starts()
        })
        .collect();
    for run in runs {
        run.ends().exits(0);
    }
    assert_eq!(repository.read("k8s/dev/kustomization.yaml"), overlay("v2"));
}

#[test]
fn a_run_that_waits_for_another_ends_when_it_is_told_to() {
    let repository = repository("v1");
    let other = std::fs::File::open(repository.path().join(".git")).unwrap();
    other.lock().unwrap();
    let run = set(&repository, "v2");
    std::thread::sleep(Duration::from_millis(100));
    run.terminate();
    run.ends().exits(3).says("ended before it had an answer");
    for (file, text) in FILES {
        assert_eq!(repository.read(file), text.replace("TAG", "v1"));
    }
}
