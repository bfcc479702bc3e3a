//! Files as people write them: for each what an argument makes of it, byte by byte, or why it is refused and where.

use proptest::prelude::*;

use crate::{DigestPolicy, sandbox, select::Manner};

const OLD: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NEW: &str = "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

/// A file, in which `⟦before→after⟧` stands for what changes; and the arguments.
struct Case(&'static str, &'static str, &'static [&'static str]);

/// The file before, and after.
fn sides(text: &str) -> (String, String) {
    let text = text.replace("OLD", OLD).replace("NEW", NEW);
    let (mut before, mut after) = (String::new(), String::new());
    let mut rest = text.as_str();
    while let Some((same, marked)) = rest.split_once('⟦') {
        let (change, behind) = marked.split_once('⟧').unwrap();
        let (old, new) = change.split_once('→').unwrap();
        before.extend([same, old]);
        after.extend([same, new]);
        rest = behind;
    }
    before += rest;
    after += rest;
    (before, after)
}

fn set(file: &str, text: &str, images: &[&str], manner: Manner) -> Result<String, String> {
    let images: Vec<String> = images.iter().map(|image| image.replace("NEW", NEW)).collect();
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    sandbox::set(file, text, &images, manner)
        .map(|edited| String::from_utf8(edited.after).unwrap())
        .map_err(|problems| sandbox::told(&problems.0))
}

const SET: &[Case] = &[
    // Helm values.
    Case(
        "values.yaml",
        "image:\n  repository: ghcr.io/acme/api\n  tag: ⟦v1→v2⟧ # by CI\n",
        &["ghcr.io/acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "image:\n  tag: \"⟦v1→v2⟧\"\n  pullPolicy: Always\n  repository: 'ghcr.io/acme/api'\n",
        &["ghcr.io/acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "image:\n  registry: ghcr.io\n  repository: acme/api\n  tag: ⟦v1→\"1.10\"⟧\n",
        &["ghcr.io/acme/api:1.10"],
    ),
    Case(
        "values.yaml",
        "image:\n  registry: \"\"\n  repository: acme/api\n  tag: ⟦v1→v2⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "image:\n  registry: ghcr.io:5000\n  repository: acme/api\n  tag: ⟦1→\"2\"⟧\n",
        &["ghcr.io:5000/acme/api:2"],
    ),
    Case(
        "values.yaml",
        "image:\n  repository: acme/api\n  tag: v1\n  digest: ⟦OLD→NEW⟧\n",
        &["acme/api@NEW"],
    ),
    Case(
        "values.yaml",
        "image:\n  repository: acme/api\n  tag: ⟦v1→v2⟧\n  digest: ⟦OLD→NEW⟧\n",
        &["acme/api:v2@NEW"],
    ),
    Case("values.yaml", "image:\n  repository: acme/api\n  tag: ⟦v1@OLD→v2@NEW⟧\n", &["acme/api:v2@NEW"]),
    Case("values.yaml", "image:\n  repository: acme/api\n  tag:⟦→ v2⟧\n", &["acme/api:v2"]),
    Case("values.yaml", "image:\n  repository: acme/api\n  tag: \"⟦→v2⟧\"\n", &["acme/api:v2"]),
    Case("values.yaml", "image: acme/api:⟦v1→v2⟧\n", &["acme/api:v2"]),
    Case("values.yaml", "image: 'acme/api:⟦v1@OLD→v2@NEW⟧'\n", &["acme/api:v2@NEW"]),
    Case("values.yaml", "image: acme/api\ntag: ⟦v1→v2⟧\n", &["acme/api:v2"]),
    Case("values.yaml", "image: acme/api⟦→:v2⟧\n", &["acme/api:v2"]),
    Case(
        "values.yaml",
        "a:\n  b:\n  - c: {image: {repository: acme/api, tag: ⟦v1→v2⟧}}\n  - d\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "api: {repository: acme/api, tag: ⟦v1→v2⟧}\nworker: {repository: acme/api, tag: ⟦v1→v2⟧}\nweb: {repository: acme/web, tag: v1}\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "image:\n  repository: ⟦acme/api→ghcr.io/acme/api2⟧\n  tag: ⟦v1→v2⟧\n",
        &["acme/api=ghcr.io/acme/api2:v2"],
    ),
    Case(
        "values.yaml",
        "image:\n  registry: ⟦ghcr.io→quay.io⟧\n  repository: ⟦acme/api→x/api⟧\n  tag: v1\n",
        &["ghcr.io/acme/api=quay.io/x/api:*"],
    ),
    Case(
        "values.yaml",
        "# c\r\nimage:\r\n  repository: acme/api\r\n  tag: ⟦v1→v2⟧\r\n\r\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "\u{feff}image: {\"repository\": \"acme/api\", \"tag\": \"⟦v1→v2⟧\"}",
        &["acme/api:v2"],
    ),
    Case("values.yaml", "image: {repository: acme/api, tag: &t ⟦v1→v2⟧} # *t\n", &["acme/api:v2"]),
    Case("values.yaml", "x: &d {repository: acme/api}\nimage: {<<: *d, tag: ⟦v1→v2⟧}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: v2}\n", &["acme/api:v2"]),
    // Other names for the same keys, as charts have them.
    Case(
        "values.yaml",
        "image: {registry: quay.io, name: acme/api, tag: ⟦v1→v2⟧}\n",
        &["quay.io/acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "images:\n  api:\n    name: acme/api\n    tag: ⟦v1→v2⟧ # by CI\nother:\n  name: acme/api\n  tag: v1\nimage:\n  repo: acme/api\n  tag: ⟦'v1'→'v2'⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "images:\n- name: acme/api\n  tag: ⟦v1→v2⟧\n- name: acme/web\n  tag: v1\nrefs:\n- name: acme/api\n  tag: v1\n",
        &["acme/api:v2"],
    ),
    Case("values.yaml", "image: acme/api\nimageTag: ⟦\"1.9\"→\"1.10\"⟧\n", &["acme/api:1.10"]),
    Case("values.yaml", "image:\n  image: acme/api\n  tag: ⟦v1→v2⟧\n", &["acme/api:v2"]),
    Case(
        "values.yaml",
        "grafana:\n  image:\n    repository: docker.io/grafana/grafana\n    tag: ⟦11.1.0→\"11.2\"⟧\n    sha: \"\"\n",
        &["grafana/grafana:11.2"],
    ),
    // Docker Hub goes without saying, and the spelling of the file stays.
    Case(
        "values.yaml",
        "a: {image: 'docker.io/library/nginx:⟦1.26→1.27⟧'}\nb: {image: 'nginx:⟦1.26→1.27⟧'}\nc: {image: 'ghcr.io/nginx:1.26'}\n",
        &["nginx:1.27"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: redis:⟦7→8⟧\n",
        &["docker.io/library/redis:8"],
    ),
    // Kubernetes manifests.
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {image: 'acme/api:⟦v1→v2⟧'}\n  volumes:\n  - name: model\n    image: {reference: 'acme/api:⟦v1→v2⟧', pullPolicy: IfNotPresent}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n      - image: acme/api:⟦v1→v2⟧\n        name: migrate\n      containers:\n      - name: api\n        image: \"acme/api:⟦v1→v2⟧\" # x\n      - {name: web, image: acme/web:v1}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers: [{name: a, image: 'host:5000/api⟦→:v2⟧'}]\n",
        &["host:5000/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  ephemeralContainers:\n  - name: a\n    image: acme/api:⟦v1→v2@NEW⟧\n",
        &["acme/api:v2@NEW"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: ⟦acme/api:v1→quay.io/api:v2⟧\n",
        &["acme/api=quay.io/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: \"acme/api:⟦v1→v2⟧\"}]}}}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  image: acme/api:v1\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: acme/api:⟦v1→v2⟧\n---\n# the end\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: acme/api:⟦v1→v2⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: >-\n      acme/web:v1\n  - image: acme/api:⟦v1→v2⟧",
        &["acme/api:v2"],
    ),
    // Argo CD.
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    kustomize:\n      images:\n      - acme/api:⟦v1→v2⟧\n      - web=ghcr.io/acme/web:⟦v1→v3⟧ # x\n",
        &["acme/api:v2", "web:v3"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    kustomize: {images: ['api=⟦ghcr.io/acme/api→quay.io/api⟧:v1']}\n",
        &["api=quay.io/api:*"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources:\n  - helm:\n      parameters:\n      - {name: image.repository, value: acme/api}\n      - name: image.tag\n        value: ⟦v1→\"12345e7\"⟧\n      - name: web.image.tag\n        value: v1\n",
        &["acme/api:12345e7"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: api.image, value: 'acme/api:⟦v1→v2⟧'}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      valuesObject:\n        image: {repository: acme/api, tag: ⟦v1→v2⟧}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        # acme/api:v1\n        image:\n          repository: acme/api\n\n          tag: ⟦v1→v2⟧ # x\n    path: v1\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\r\nkind: ApplicationSet\r\nspec:\r\n  template:\r\n    spec:\r\n      source:\r\n        helm:\r\n          values: |-\r\n            image: 'acme/api:⟦v1→v2⟧'\r\n            replicas: 2\r\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  generators:\n  - list:\n      elements:\n      - {cluster: dev, image: 'acme/api:⟦v1→v2⟧'}\n  template:\n    metadata: {name: '{{cluster}}'}\n",
        &["acme/api:v2"],
    ),
    // Flux.
    Case(
        "app.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    image:\n      repository: acme/api # {\"$imagepolicy\": \"flux-system:api:name\"}\n      tag: ⟦v1→v2⟧ # {\"$imagepolicy\": \"flux-system:api:tag\"}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    version: ⟦v1→v2⟧ # {\"$imagepolicy\": \"flux-system:api:tag\"}\n    from: acme/api # {\"$imagepolicy\": \"flux-system:api:name\"}\n    other: v1\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: source.example.com/v1\nkind: Thing\nspec:\n  runs: acme/api:⟦v1→v2⟧ # {\"$imagepolicy\": \"flux-system:api\"}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: acme/api\n    newTag: ⟦v1→v2⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  postRenderers:\n  - kustomize:\n      images:\n      - {name: acme/api, newName: x/api, newTag: ⟦v1→v2⟧}\n",
        &["acme/api:v2"],
    ),
    // Compose.
    Case(
        "compose.yaml",
        "services:\n  api:\n    image: acme/api:⟦v1→v2⟧\n    ports: [\"80:80\"]\n  db: {image: postgres:17}\n",
        &["acme/api:v2"],
    ),
    Case(
        "docker-compose.yml",
        "version: '3'\nservices:\n  api: {build: ., image: \"acme/api:⟦v1→v2⟧\"}\n  db:\n    image: ${DB:-postgres:17}\n",
        &["acme/api:v2"],
    ),
    // Kustomizations.
    Case(
        "kustomization.yaml",
        "images:\n- name: api\n  newTag: ⟦v1→v2⟧\nhelmCharts: [{name: api}]\n",
        &["api:v2"],
    ),
    Case(
        "overlay.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n- {name: api, newName: x/api, newTag: ⟦v1→v2⟧}\n",
        &["api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "images:\n- name: api\n  newTag: ⟦v1→v2⟧\n- name: web\n  digest: ⟦OLD→NEW⟧\n",
        &["api:v2", "web@NEW"],
    ),
    // Within kustomizations.
    Case(
        "kustomization.yaml",
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 3\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: acme/api:⟦v1→v2⟧ # by CI\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "patches:\n  - patch: |\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: api}\n      spec:\n        template:\n          spec:\n            containers:\n              - name: api\n                image: \"acme/api:⟦v1→v2⟧\"\n    target: {kind: Deployment}\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "patchesStrategicMerge:\n- image-patch.yaml\n# the api\n- |-\n  kind: Deployment\n  spec: {template: {spec: {containers: [{name: api, image: 'acme/api:⟦v1→v2⟧'}]}}}\npatchesJson6902:\n- path: other.json\n  target: {kind: X}\n- target: {kind: Y}\n  patch: |\n    [{\"op\": \"add\", \"path\": \"/spec/image\", \"value\": \"acme/api:⟦v1→v2⟧\"}]\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "images: [{name: acme/api, newTag: ⟦v1→v2⟧}]\npatches:\n- patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: acme/api:v0\n- patch: '[{\"op\": \"add\", \"path\": \"/image\", \"value\": \"acme/api:v0\"}]'\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "helmCharts:\n- name: shop\n  version: v1\n  valuesInline:\n    image:\n      repository: acme/api\n      tag: ⟦v1→v2⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "generator.yaml",
        "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: shop}\nvaluesInline: {image: {repository: acme/api, tag: ⟦v1→v2⟧}}\n",
        &["acme/api:v2"],
    ),
    Case(
        "transformer.yaml",
        "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: x}\nimageTag:\n  name: acme/api\n  newTag: ⟦v1→\"0o17\"⟧\n",
        &["acme/api:0o17"],
    ),
    Case(
        "patch.yaml",
        "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: acme/api:⟦v1→v2⟧\n- op: add\n  path: /spec/template/spec/containers/-\n  value: {name: side, image: acme/side:v1}\n",
        &["acme/api:v2"],
    ),
    Case(
        "patch.json",
        "[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/-\",\"value\":{\"name\":\"api\",\"image\":\"acme/api:⟦v1→v2⟧\"}}]",
        &["acme/api:v2"],
    ),
    // Kinds with words of their own.
    Case(
        "app.yaml",
        "apiVersion: example.com/v1\nkind: Database\nspec:\n  image:\n    repository: acme/api\n    tag: ⟦v1→v2⟧\n  chart: {repository: acme/api, tag: v1}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec:\n  valuesContent: |-\n    image:\n      repository: acme/api\n      tag: ⟦v1→v2⟧\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: image.name, value: acme/api}\n      - {name: image.tag, value: ⟦v1→v2⟧}\n      - {name: app.name, value: acme/api}\n      - {name: app.tag, value: v1}\n",
        &["acme/api:v2"],
    ),
];

#[test]
fn what_is_meant_changes_and_not_a_byte_more() {
    for Case(file, text, images) in SET {
        let (before, after) = sides(text);
        assert_eq!(set(file, &before, images, Manner::default()).as_deref(), Ok(after.as_str()), "{before}");
        assert_eq!(
            set(file, &after, images, Manner::default()).as_deref().unwrap_or(&after),
            after,
            "{before}"
        );
    }
}

const REFUSED: &[Case] = &[
    Case("values.yaml", "image: {repository: acme/api}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: v1}\n", &["acme/api@NEW"]),
    Case("values.yaml", "image: {repository: acme/api, tag: v1, digest: 'OLD'}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: v1@OLD}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: v1, tag: v3}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: [v1]}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: '{{ .Values.tag }}'}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: acme/api, tag: {{ .Values.tag }}}\n", &["acme/api:v2"]),
    Case("values.yaml", "t: &t v1\nimage: {repository: acme/api, tag: *t}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: &i {repository: acme/api, tag: v1}\nb: *i\n", &["acme/api:v2"]),
    Case("values.yaml", "d: &d {tag: v1}\nimage: {<<: *d, repository: acme/api}\n", &["acme/api:v2"]),
    Case("values.yaml", "image:\n  repository: acme/api\n  tag: |\n    v1\n", &["acme/api:v2"]),
    Case(
        "values.yaml",
        "a: {repository: acme/api, tag: v1}\nb: {repository: acme/api, tag: v1-canary}\n",
        &["acme/api:v2"],
    ),
    Case("values.yaml", "image: acme/api:{{ tag }}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: acme/api:v1\nimage: acme/api:v3\n", &["acme/api:v2"]),
    Case(
        "values.yaml",
        "image: {registry: ghcr.io, repository: acme/api, tag: v1}\n",
        &["ghcr.io/acme/api=api:v2"],
    ),
    Case("values.yaml", "image: {tag: v1}\n", &["acme/api:v2"]),
    Case("values.yaml", "image: {repository: ghcr.io/acme/api, tag: v1}\n", &["acme/api:v2"]),
    Case("compose.yaml", "services:\n  api: {image: 'acme/api:${TAG:-v1}'}\n", &["acme/api:v2"]),
    Case(
        "compose.yaml",
        "x-app: &app {image: 'acme/api:v1'}\nservices:\n  api: {<<: *app, build: .}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: |\n      acme/api:v1\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: acme/api:v1\n  - image: acme/api:v3\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    kustomize:\n      images: ['acme/api:{{tag}}']\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: acme/api\n          tag: {{ tag }}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: >\n        image: acme/api:v1\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: image.repository, value: acme/api}\n",
        &["acme/api:v2"],
    ),
    Case(
        "app.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - {name: api, newTag: v1}\n  - {name: api, newTag: v1}\n",
        &["api:v2"],
    ),
    Case("kustomization.yaml", "images:\n- name: api\n", &["api:v2"]),
    // What decides elsewhere, or in a form that is not written.
    Case("values.yaml", "image: {repository: acme/api, tag: v1, sha: 0123abc}\n", &["acme/api:v2"]),
    Case(
        "kustomization.yaml",
        "patches:\n- patch: '[{\"op\": \"add\", \"path\": \"/image\", \"value\": \"acme/api:v0\"}]'\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "patches:\n- patch: >-\n    - {op: add, path: /image, value: 'acme/api:v0'}\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "patches:\n- patch: |-\n    - {op: replace, path: /image, value: 'acme/api:${TAG}'}\n",
        &["acme/api:v2"],
    ),
    Case(
        "kustomization.yaml",
        "patches:\n- patch: |-\n    - {op: replace, path: /a/image, value: 'acme/api:v0'}\n    - {op: replace, path: /b/image, value: 'acme/api:v1'}\n",
        &["acme/api:v2"],
    ),
    Case(
        "values.yaml",
        "a: {image: 'docker.io/library/nginx:1.25'}\nb: {image: 'nginx:1.26'}\n",
        &["nginx:1.27"],
    ),
];

#[test]
fn what_is_not_certain_is_refused_with_its_place() {
    let told = REFUSED.iter().map(|Case(file, text, images)| {
        let (before, _) = sides(text);
        format!(
            "{text}=> {}\n",
            set(file, &before, images, Manner::default())
                .expect_err(&before)
                .replace(NEW, "NEW")
                .replace(OLD, "OLD")
        )
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

/// With `add-missing`.
const ADDED: &[Case] = &[
    Case(
        "values.yaml",
        "image:\n  repository: 'acme/api' # x\n⟦→  tag: 'v2'\n⟧  pullPolicy: Always\n",
        &["acme/api:v2"],
    ),
    Case("values.yaml", "image: {repository: acme/api, tag: v1⟦→, digest: NEW⟧}\n", &["acme/api@NEW"]),
    Case(
        "kustomization.yaml",
        "images:\n  - name: api\n    newTag: v1\n⟦→  - name: web\n    newTag: \"1.10\"\n⟧patches: []\n",
        &["web:1.10"],
    ),
    Case(
        "kustomization.yaml",
        "images: [{name: api, newTag: ⟦v1→v2⟧}⟦→, {name: web, newName: x/web, newTag: v1, digest: NEW}⟧]\n",
        &["api:v2", "web=x/web:v1@NEW"],
    ),
    Case(
        "kustomization.yaml",
        "resources: [a]\n⟦→images:\n- name: web\n  newTag: v1\n- name: db\n  newTag: v3\n⟧",
        &["web:v1", "db:v3"],
    ),
    Case(
        "kustomization.yaml",
        "resources:\r\n  - a # x\r\n⟦→images:\r\n  - name: web\r\n    newTag: v1\r\n⟧",
        &["web:v1"],
    ),
];

#[test]
fn what_is_missing_is_added_in_the_file_s_style() {
    let manner = Manner { add_missing: true, ..Manner::default() };
    for Case(file, text, images) in ADDED {
        let (before, after) = sides(text);
        assert_eq!(set(file, &before, images, manner).as_deref(), Ok(after.as_str()), "{before}");
        assert_eq!(set(file, &after, images, manner).as_deref(), Ok(after.as_str()), "{after}");
    }
    for (file, text) in
        [("values.yaml", "a: 1\n"), ("kustomization.yaml", ""), ("kustomization.yaml", "images: []\n")]
    {
        assert!(set(file, text, &["web:v1"], manner).is_err(), "{text}");
    }
}

#[test]
fn there_are_enough_cases() {
    assert!(SET.len() + REFUSED.len() >= 54);
}

#[test]
fn a_digest_s_policy_holds_in_every_format() {
    let files = [
        (
            "kustomization.yaml",
            "images:\n- {name: acme/api, newTag: ⟦v1→v2⟧, digest: 'OLD'}\n",
            "'OLD'",
            "''",
        ),
        ("values.yaml", "image: {repository: acme/api, tag: ⟦v1→v2⟧, digest: 'OLD'}\n", "'OLD'", "''"),
        ("values.yaml", "image: {repository: acme/api, tag: ⟦v1→v2⟧@OLD}\n", "@OLD", ""),
        ("compose.yaml", "services: {api: {image: 'acme/api:⟦v1→v2⟧@OLD'}}\n", "@OLD", ""),
    ];
    for (file, text, old, dropped) in files {
        let set = |policy| {
            let manner = Manner { digest_policy: policy, ..Manner::default() };
            set(file, &sides(text).0, &["acme/api:v2"], manner)
        };
        assert_eq!(set(DigestPolicy::Keep), Ok(sides(text).1));
        assert_eq!(set(DigestPolicy::Drop), Ok(sides(&text.replace(old, dropped)).1));
        for policy in [DigestPolicy::Refuse, DigestPolicy::Replace] {
            assert!(set(policy).unwrap_err().contains("leave stale"), "{text}");
        }
    }
}

/// Values in every format, with the image's version in place of `HERE`, and other images beside it.
const WRITTEN: &[&str] = &[
    "image: {repository: acme/api, tag: HERE}\n",
    "image:\n  tag: HERE # by CI\n  registry: ''\n  repository: 'acme/api'\n",
    "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: web, image: 'acme/web:v0'}\n  - image: 'acme/api:REFERENCE'\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        # c\n        image:\n          repository: acme/api\n          tag: HERE\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source: {kustomize: {images: [web=x/web:v0, 'acme/api:REFERENCE']}}\n",
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: image.repository, value: acme/api}\n      - {name: image.tag, value: HERE}\n",
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    a: [{image: acme/api, tag: HERE}]\n",
    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n  - name: acme/api\n    newTag: HERE\n",
    "services:\n  api:\n    image: \"acme/api:REFERENCE\"\n",
    "apiVersion: example.com/v1\nkind: Thing\nspec: {x: acme/web:v0}\n# image: acme/api:v0\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_what_is_meant_differs_in_any_mixture(
        chosen in prop::collection::vec(prop::sample::select(WRITTEN), 1..5),
        quote in prop::sample::select(vec!["", "'", "\""]),
        crlf in any::<bool>(),
        bom in any::<bool>(),
        final_newline in any::<bool>(),
        tag in "[A-Za-z_][A-Za-z0-9_.-]{0,12}|[0-9]{1,3}e[0-9]{1,3}|0[0-7]{1,4}|1\\.[0-9]{1,2}",
    ) {
        let text = |tag: &str, quote: &str| {
            let here = format!("{quote}{tag}{quote}");
            let mut text = chosen.join("---\n").replace("HERE", &here).replace("REFERENCE", tag);
            if !final_newline {
                text.truncate(text.trim_end_matches('\n').len());
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            if bom { format!("\u{feff}{text}") } else { text }
        };
        let before = text("v-old", quote);
        let image = format!("acme/api:{tag}");
        if !before.contains("v-old") {
            prop_assert!(set("app.yaml", &before, &[&image], Manner::default()).is_err());
            return Ok(());
        }
        let after = set("app.yaml", &before, &[&image], Manner::default()).map_err(TestCaseError::fail)?;
        // A plain tag that reads as a number gets quotes: either kind will do.
        let expected: Vec<String> = if quote.is_empty() && sluice_yaml::needs_quotes(&tag) {
            vec![text(&tag, "'"), text(&tag, "\"")]
        } else {
            vec![text(&tag, quote)]
        };
        let plain = |text: &str| text.replace('\'', "\"");
        prop_assert!(expected.contains(&after) || expected.iter().any(|one| plain(one) == plain(&after)), "{}", after);
        prop_assert_eq!(set("app.yaml", &after, &[&image], Manner::default()), Ok(after));
    }

    #[test]
    fn no_file_panics(
        lines in prop::collection::vec(prop::sample::select(vec![
            "image:", "  repository: a", "  tag: v1", "- image: a:v1", "apiVersion: argoproj.io/v1", "kind: Application",
            "helm:", "  values: |", "    image: a:v1", "    tag: {{ x }}", "kustomize: {images: [a:v1, b=a:v1]}", "---", "services:",
            "  x: {image: a:v1}", "spec:", "  values:", "images: [{name: a}]", "x: &x {repository: a, tag: v1}", "y: *x", "<<: *x",
            "v: a:v1 # {\"$imagepolicy\": \"f:a\"}", "kind: HelmRelease", "parameters: [{name: image, value: a:v1}]", "\t", "'", "[",
        ]), 0..12),
        add_missing in any::<bool>(),
    ) {
        let manner = Manner { add_missing, digest_policy: DigestPolicy::Drop };
        for file in ["kustomization.yaml", "values.yaml"] {
            let _ = set(file, &lines.join("\n"), &["a:v2"], manner);
        }
    }
}
