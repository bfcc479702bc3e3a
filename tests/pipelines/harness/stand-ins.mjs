// What stands in for the actions of others. Each takes the inputs that it names and does what the pipelines need of the
// real one, or says that it can't; an input that it does not name is an error.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Unsupported } from "./expressions.mjs";
import { token as tokenFor } from "./permissions.mjs";
import { start } from "./process.mjs";
import { expression } from "./trigger.mjs";

const lines = (text = "") => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

const isTrue = (text, standard) => (text ?? String(standard)) === "true";

/** https://github.com/actions/checkout */
const checkout = {
  inputs: ["repository", "ref", "token", "path", "fetch-depth", "fetch-tags", "persist-credentials"],
  async run({ job, inputs, env, said }) {
    const { github } = job;
    const repository = inputs.repository || job.run_.repository;
    const isOwn = repository === job.run_.repository;
    const folder = join(job.workspace, inputs.path ?? "");
    const revision = inputs.ref || (isOwn ? github.get("sha").value : "HEAD");
    const token = inputs.token || job.secrets.GITHUB_TOKEN;
    const credentials = Buffer.from(`x-access-token:${token}`).toString("base64");
    job.masks.add(credentials);
    const git = (...options) => start(job, "git", options, { cwd: folder, env: quiet(env) }, said);
    mkdirSync(folder, { recursive: true });
    await git("init", "--quiet", "--initial-branch", "main");
    await git("remote", "add", "origin", `${job.run_.urls.server}/${repository}`);
    const header = `http.${job.run_.urls.server}/.extraheader`;
    await git("config", "--local", header, `AUTHORIZATION: basic ${credentials}`);
    const depth = inputs["fetch-depth"] ?? "1";
    const everything = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
    const wanted = depth === "0" ? [...everything, revision] : [`--depth=${depth}`, revision];
    const tags = isTrue(inputs["fetch-tags"], false) ? ["--tags"] : ["--no-tags"];
    await git("fetch", "--quiet", ...tags, "origin", ...wanted);
    const branch = inputs.ref && !/^[0-9a-f]{40}$/.test(revision) ? revision : isOwn ? branchOf(github) : undefined;
    const head = (await git("rev-parse", depth === "0" ? revisionHere(revision) : "FETCH_HEAD")).trim();
    if (branch === undefined || inputs.ref === head) await git("checkout", "--quiet", "--force", "--detach", head);
    else await git("checkout", "--quiet", "--force", "-B", branch.replace(/^refs\/heads\//, ""), head);
    // As the real one leaves them: for steps that use git, unless the workflow says no.
    if (!isTrue(inputs["persist-credentials"], true)) await git("config", "--local", "--unset-all", header);
    return { ref: branch ?? revision, commit: head };
  },
};

const revisionHere = (revision) => (/^[0-9a-f]{40}$/.test(revision) ? revision : "FETCH_HEAD");

const quiet = (env) => ({ ...env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", GIT_TERMINAL_PROMPT: "0" });

function branchOf(github) {
  const ref = github.get("ref").value;
  return ref.startsWith("refs/heads/") ? ref : undefined;
}

/** https://github.com/actions/upload-artifact */
const uploadArtifact = {
  inputs: ["name", "path", "if-no-files-found", "retention-days", "compression-level", "overwrite", "include-hidden-files"],
  async run({ job, inputs }) {
    const name = inputs.name || "artifact";
    const target = join(job.run_.artifacts, name);
    if (existsSync(target) && !isTrue(inputs.overwrite, false)) throw new Error(`(409) Conflict: an artifact with the name ${name} exists`);
    const hidden = isTrue(inputs["include-hidden-files"], false);
    const found = lines(inputs.path).map((path) => search(resolve(job.workspace, path), hidden));
    const files = found.flatMap((one) => one.files);
    if (files.length === 0) {
      const what = inputs["if-no-files-found"] || "warn";
      if (what === "error") throw new Error(`No files were found with the provided path: ${inputs.path}`);
      return {};
    }
    // What is overwritten is gone, with all its files.
    rmSync(target, { recursive: true, force: true });
    const root = found.map((one) => one.root).reduce(commonFolder);
    for (const file of files) {
      mkdirSync(dirname(join(target, relative(root, file))), { recursive: true });
      cpSync(file, join(target, relative(root, file)));
    }
    return { "artifact-id": "1", "artifact-url": `${job.run_.urls.server}/artifacts/1`, "artifact-digest": digest(name) };
  },
};

/** The files that a path or a pattern of an upload names, and the folder that they are told from. */
function search(path, hidden) {
  const plain = path.slice(0, path.search(/[*?[]|$/));
  const root = plain === path ? path : dirname(`${plain}x`);
  if (plain === path && existsSync(path) && statSync(path).isFile()) return { root: dirname(path), files: [path] };
  const pattern = plain === path ? undefined : expression(path);
  const files = walk(root).filter((file) => pattern?.test(file) ?? true);
  const isHidden = (file) => relative(root, file).split("/").some((part) => part.startsWith("."));
  return { root, files: hidden ? files : files.filter((file) => !isHidden(file)) };
}

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function commonFolder(one, other) {
  let common = one;
  while (relative(common, other).startsWith("..")) common = dirname(common);
  return common;
}

/** https://github.com/actions/download-artifact */
const downloadArtifact = {
  inputs: ["name", "pattern", "path", "merge-multiple", "run-id", "github-token"],
  async run({ job, inputs }) {
    const all = inputs["run-id"] ? ofRun(job, inputs) : job.run_.artifacts;
    const target = resolve(job.workspace, inputs.path || ".");
    if (inputs.name) {
      if (!existsSync(join(all, inputs.name))) throw new Error(`Unable to download artifact(s): Artifact not found for name: ${inputs.name}`);
      cpSync(join(all, inputs.name), target, { recursive: true });
      return { "download-path": target };
    }
    const names = existsSync(all) ? readdirSync(all).sort() : [];
    const patterns = alternatives(inputs.pattern || "*").map(expression);
    for (const name of names.filter((one) => patterns.some((pattern) => pattern.test(one)))) {
      const into = isTrue(inputs["merge-multiple"], false) ? target : join(target, name);
      cpSync(join(all, name), into, { recursive: true });
    }
    return { "download-path": target };
  },
};

/** `a-{b,c}` means `a-b` and `a-c`, as minimatch has it. */
function alternatives(pattern) {
  const [, before, list, after] = pattern.match(/^(.*?)\{([^{}]*)\}(.*)$/) ?? [];
  return list === undefined ? [pattern] : list.split(",").flatMap((one) => alternatives(`${before}${one}${after}`));
}

/** The artifacts of another run, which only a token that may read `actions` gets. */
function ofRun(job, inputs) {
  if (!inputs["github-token"]) throw new Error("artifacts of another run are not found without github-token");
  if (inputs["github-token"] !== job.secrets.GITHUB_TOKEN) throw new Unsupported("only the job's own token is supported");
  if (!["read", "write"].includes(job.permissions.actions)) throw new Error("Resource not accessible by integration");
  return join(dirname(job.run_.artifacts), inputs["run-id"]);
}

const digest = (text) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** An action that only prepares the machine: what it would install is on the harness's own `PATH`. */
const prepares = (inputs, program) => ({
  inputs,
  async run({ job, uses, env }) {
    const is = program === undefined || env.PATH.split(":").some((folder) => existsSync(join(folder, program)));
    if (!is) throw new Unsupported(`${uses} installs ${program}, and no ${program} is in ${job.run_.tools}`);
    return {};
  },
});

/**
 * https://github.com/docker/build-push-action: an image without layers, whose labels say what it would be made of, in an
 * index, as one with attestations is. A registry on this machine gets it, and ECR; of others only its name is noted.
 */
const buildAndPush = {
  inputs: [
    "context", "file", "push", "tags", "labels", "platforms", "build-args", "cache-from", "cache-to", "provenance", "sbom",
    "target", "annotations", "pull",
  ],
  async run({ job, inputs }) {
    const context = resolve(job.workspace, inputs.context || ".");
    const file = inputs.file ? resolve(job.workspace, inputs.file) : join(context, "Dockerfile");
    if (!existsSync(file)) throw new Error(`failed to read dockerfile: open ${basename(file)}: no such file or directory`);
    const platforms = (inputs.platforms || "linux/amd64").split(",");
    if (platforms.length > 1) throw new Unsupported("images for several platforms are not supported");
    const [os, architecture] = platforms[0].split("/");
    const labels = Object.fromEntries(lines(inputs.labels).map((label) => label.split(/=(.*)/s).slice(0, 2)));
    const config = JSON.stringify({ os, architecture, config: { Labels: labels }, rootfs: { type: "layers", diff_ids: [] } });
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digest(config), size: Buffer.byteLength(config) },
      layers: [],
    });
    const { mediaType } = JSON.parse(manifest);
    const platform = { mediaType, digest: digest(manifest), size: Buffer.byteLength(manifest), platform: { os, architecture } };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [platform] });
    const tags = lines(inputs.tags.replaceAll(",", "\n"));
    const pushed = isTrue(inputs.push, false);
    if (pushed) for (const tag of tags) await push(job, tag, { config, manifest, index });
    const made = digest(index);
    job.run_.images.push({ context: relative(job.workspace, context), digest: made, platform: platform.digest, tags, pushed });
    return { digest: made, imageid: digest(config), metadata: JSON.stringify({ "containerimage.digest": made }) };
  },
};

async function push(job, tag, image) {
  const [, host, name, version] = tag.match(/^([^/]+)\/(.+):([^:/]+)$/) ?? [];
  if (version === undefined) throw new Error(`invalid tag "${tag}": invalid reference format`);
  if (!job.run_.logins.includes(host)) throw new Error(`failed to push ${tag}: unauthorized`);
  if (host.startsWith("127.0.0.1:")) return pushToRegistry(host, name, version, image);
  const region = host.match(/^\d+\.dkr\.ecr\.([^.]+)\.amazonaws\.com$/)?.[1];
  if (region !== undefined) return pushToEcr(job.run_.aws, region, name, version, image);
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push */
async function pushToRegistry(host, name, version, { config, manifest, index }) {
  const send = async (method, path, body, type) => {
    const answer = await fetch(new URL(path, `http://${host}`), { method, body, headers: { "content-type": type } });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const upload = await send("POST", `/v2/${name}/blobs/uploads/`, "", "application/octet-stream");
  const place = new URL(upload.headers.get("location"), `http://${host}`);
  place.searchParams.set("digest", digest(config));
  await send("PUT", `${place.pathname}${place.search}`, config, "application/octet-stream");
  await send("PUT", `/v2/${name}/manifests/${digest(manifest)}`, manifest, JSON.parse(manifest).mediaType);
  await send("PUT", `/v2/${name}/manifests/${version}`, index, JSON.parse(index).mediaType);
}

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html: what a push to ECR ends with. */
async function pushToEcr(aws, region, name, version, { manifest, index }) {
  const put = async (input) => {
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.PutImage",
      authorization: `AWS4-HMAC-SHA256 Credential=AK/20260101/${region}/ecr/aws4_request, SignedHeaders=host, Signature=x`,
    };
    const answer = await fetch(aws, { method: "POST", body: JSON.stringify({ repositoryName: name, ...input }), headers });
    const told = await answer.text();
    if (!answer.ok && !told.includes("ImageAlreadyExists")) throw new Error(`PutImage ${name}: ${answer.status} ${told}`);
  };
  await put({ imageTag: digest(manifest).slice("sha256:".length), imageManifest: manifest });
  await put({ imageTag: version, imageManifest: index });
}

/** https://github.com/docker/login-action: that a registry lets nobody in without a password is said here already. */
const login = {
  inputs: ["registry", "username", "password", "ecr", "logout"],
  async run({ job, inputs }) {
    if (!inputs.username || !inputs.password) throw new Error("Username and password required");
    job.masks.add(inputs.password);
    job.run_.logins.push(inputs.registry ?? "docker.io");
    return {};
  },
};

/** https://github.com/aws-actions/configure-aws-credentials: the role of the job, by its identity. */
const awsCredentials = {
  inputs: ["aws-region", "role-to-assume", "role-session-name", "role-duration-seconds", "audience", "mask-aws-account-id"],
  async run({ job, inputs, env, files }) {
    if (!inputs["aws-region"]) throw new Error("Input required and not supplied: aws-region");
    if (!inputs["role-to-assume"]) throw new Unsupported("credentials that are no role's are not supported");
    if (env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined) {
      throw new Error("It looks like you might be trying to authenticate with OIDC. Did you mean to set the `id-token` permission?");
    }
    const { aws } = job.run_;
    if (aws === undefined) throw new Unsupported("the test gives no AWS");
    const account = inputs["role-to-assume"].split(":")[4];
    // The last two are not the real one's: they lead to the stand-in for AWS, and name the account to the login.
    const variables = {
      AWS_REGION: inputs["aws-region"], AWS_DEFAULT_REGION: inputs["aws-region"],
      AWS_ACCESS_KEY_ID: "ASIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "a-secret-of-the-role", AWS_SESSION_TOKEN: "a-token-of-the-role",
      AWS_ENDPOINT_URL: aws, AWS_ROLE_ACCOUNT: account,
    };
    job.masks.add(variables.AWS_SECRET_ACCESS_KEY);
    job.masks.add(variables.AWS_SESSION_TOKEN);
    job.run_.roles.push(inputs["role-to-assume"]);
    files.addVariables(variables);
    return { "aws-account-id": account };
  },
};

/** https://github.com/aws-actions/amazon-ecr-login */
const ecrLogin = {
  inputs: ["registries", "mask-password", "registry-type"],
  async run({ job, env }) {
    if (env.AWS_ACCESS_KEY_ID === undefined) throw new Error("Could not load credentials from any providers");
    const registry = `${env.AWS_ROLE_ACCOUNT}.dkr.ecr.${env.AWS_REGION}.amazonaws.com`;
    job.run_.logins.push(registry);
    return { registry };
  },
};

/** https://github.com/actions/create-github-app-token: a token that may do what the step asks for, and no more. */
const appToken = {
  inputs: ["app-id", "client-id", "private-key", "owner", "repositories", "permission-contents", "permission-pull-requests", "permission-issues", "permission-actions", "permission-members"],
  async run({ job, inputs }) {
    if (!inputs["app-id"] && !inputs["client-id"]) throw new Error("Input required and not supplied: app-id");
    if (!inputs["private-key"]) throw new Error("Input required and not supplied: private-key");
    const owner = inputs.owner || job.run_.repository.split("/")[0];
    const repositories = lines((inputs.repositories ?? "").replaceAll(",", "\n"));
    if (repositories.length > 1) throw new Unsupported("a token for several repositories is not supported");
    const name = repositories[0] ?? job.run_.repository.split("/")[1];
    const asked = Object.entries(inputs).filter(([input]) => input.startsWith("permission-"));
    const permissions = Object.fromEntries(asked.map(([input, level]) => [input.slice("permission-".length), level]));
    if (asked.length === 0) throw new Unsupported("a token with all that the app may do is not supported");
    const token = tokenFor(`${owner}/${name}`, permissions);
    job.masks.add(token);
    return { token, "app-slug": "sluice-test", "installation-id": "1" };
  },
};

/** https://github.com/anchore/scan-action: finds nothing. */
const scan = {
  inputs: ["image", "path", "sbom", "output-format", "output-file", "fail-build", "severity-cutoff", "only-fixed", "cache-db"],
  async run({ job, inputs }) {
    if (inputs["output-format"] === "sarif") throw new Unsupported("only reports as JSON are supported");
    if (inputs["output-file"]) writeFileSync(resolve(job.workspace, inputs["output-file"]), '{"matches": []}\n');
    return { json: inputs["output-file"] ?? "" };
  },
};

export const STAND_INS = {
  "actions/checkout": checkout,
  "actions/create-github-app-token": appToken,
  "actions/upload-artifact": uploadArtifact,
  "actions/download-artifact": downloadArtifact,
  "anchore/scan-action": scan,
  "aws-actions/amazon-ecr-login": ecrLogin,
  "aws-actions/configure-aws-credentials": awsCredentials,
  "docker/build-push-action": buildAndPush,
  "docker/login-action": login,
  "docker/setup-buildx-action": prepares(["driver", "driver-opts", "cleanup", "buildkitd-flags"]),
  "docker/setup-qemu-action": prepares(["platforms"]),
  "grafana/setup-k6-action": prepares(["k6-version"], "k6"),
  "hashicorp/setup-terraform": prepares(["terraform_version", "terraform_wrapper"], "terraform"),
  "infracost/actions/setup": prepares(["api-key", "version"], "infracost"),
};
