import { expandEnvironment } from '../expand.ts';
import { LOCK_FILE, packageArguments } from '../package-runner.ts';
import type { LaunchSpec } from '../runtime.ts';
import { labelsOf, marks, objectName } from './marks.ts';

/** Where an instance's own files are, in a pod of a runner image. They end with the pod. */
export const HOME = '/home/server';
const INNER_PORT = 8080;
const RUNNER_USER = 1000;
/** Keeps a pod alive for what is run in it; when it is told to end it passes that on, and waits for the others. */
const IDLE =
  'trap "kill -TERM -1; wait; while kill -0 -1 2>/dev/null; do sleep 0.1; done; exit 0" TERM; while :; do sleep 2147483647 & wait $!; done';

/** The lock that is installed by is brought into the running pod; it may be larger than what an object holds. */
const INSTALL_LOCKED = `until [ -e ${LOCK_FILE} ]; do sleep 0.1; done; exec "$$@"`;

/** Anything that is applied: what is declared of it, and no more. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    /** What it goes with. */
    ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
  };
  [field: string]: unknown;
}

/** `main`: the server is the first process, and attached to; `idle`: it is run by exec beside a sleeper. */
export type Mode = 'main' | 'idle';

/** A server's spec in the cluster, apart from how many pods it has. */
export interface Place {
  owner: string;
  namespace: string;
  image: string;
  graceSeconds: number;
}

export function modeOf(spec: LaunchSpec): Mode {
  return spec.image === undefined && spec.transport === 'stdio' ? 'idle' : 'main';
}

/** What installs a package and becomes its server; nothing for a command. */
export function installerOf({ package: source }: LaunchSpec): string[] {
  return source ? ['mcpctl-package', 'start', ...packageArguments(source)] : [];
}

export function portOf(spec: LaunchSpec): number | undefined {
  return spec.transport === 'stdio' ? undefined : spec.port || INNER_PORT;
}

/** The environment of an instance, references replaced. */
export function environmentOf(spec: LaunchSpec): Record<string, string> {
  const port = portOf(spec);
  const given: Record<string, string> = port === undefined ? {} : { PORT: String(port) };
  const own = { HOME, TMPDIR: '/tmp', LANG: 'C.UTF-8' };
  const base = { ...own, ...given };
  return { ...own, ...expandEnvironment(spec.env, { base, literal: spec.secrets }), ...given };
}

/** The variables that hold a secret, or a part made of one. */
export function valuesOf(spec: LaunchSpec): Record<string, string> {
  const secret = Object.entries(environmentOf(spec)).filter(([, value]) =>
    spec.secrets.some(one => one !== '' && value.includes(one)),
  );
  return Object.fromEntries(secret);
}

/** Values that the pods of one spec are started with. Never changed: other values are another Secret. */
export function secretObject(spec: LaunchSpec, place: Place, name: string, values: Record<string, string>): KubeObject {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { ...head('v1', 'Secret', name, spec, place), type: 'Opaque', immutable: true, data };
}

export function deploymentObject(
  spec: LaunchSpec,
  place: Place,
  pods: { ordinals: readonly number[]; secret: string | undefined },
): KubeObject {
  const labels = labelsOf(place.owner, spec);
  const object = head('apps/v1', 'Deployment', objectName(spec), spec, place);
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { [marks.specDigest]: spec.specDigest, [marks.ordinals]: pods.ordinals.join(',') },
    },
    spec: {
      replicas: pods.ordinals.length,
      revisionHistoryLimit: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          annotations: {
            [marks.specDigest]: spec.specDigest,
            [marks.image]: place.image,
            ...(pods.secret !== undefined && { [marks.values]: pods.secret }),
          },
        },
        spec: podSpec(spec, place, pods.secret),
      },
    },
  };
}

function podSpec(spec: LaunchSpec, place: Place, secret: string | undefined): Record<string, unknown> {
  const ours = spec.image === undefined;
  return {
    automountServiceAccountToken: false,
    serviceAccountName: 'mcpctl-server',
    enableServiceLinks: false,
    terminationGracePeriodSeconds: place.graceSeconds,
    // Nothing is kept in a pod: another node need not wait five minutes for one that does not answer.
    tolerations: ['not-ready', 'unreachable'].map(taint => ({
      key: `node.kubernetes.io/${taint}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 30,
    })),
    securityContext: {
      runAsNonRoot: true,
      ...(ours && { runAsUser: RUNNER_USER, runAsGroup: RUNNER_USER, fsGroup: RUNNER_USER }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [containerOf(spec, place, secret)],
    volumes: [
      { name: 'tmp', emptyDir: {} },
      { name: 'home', emptyDir: {} },
    ],
  };
}

function containerOf(spec: LaunchSpec, place: Place, secret: string | undefined): Record<string, unknown> {
  const mode = modeOf(spec);
  const port = portOf(spec);
  const resources = resourcesOf(spec);
  const cwd = mode === 'idle' ? HOME : (spec.cwd ?? (spec.image === undefined ? HOME : undefined));
  return {
    name: 'server',
    image: place.image,
    imagePullPolicy: 'IfNotPresent',
    ...programOf(spec, mode),
    env: variables(spec, secret),
    ...(cwd !== undefined && { workingDir: cwd }),
    ...(mode === 'main' && spec.transport === 'stdio' && { stdin: true }),
    ...(port !== undefined && { ports: [{ name: 'mcp', containerPort: port, protocol: 'TCP' }] }),
    ...(resources && { resources }),
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'home', mountPath: HOME },
    ],
  };
}

/** `$(NAME)` in arguments is Kubernetes' own to replace: a secret then is in nobody's description of the pod. */
function programOf(spec: LaunchSpec, mode: Mode): Record<string, string[]> {
  if (mode === 'idle') return { command: ['/bin/sh', '-c', IDLE.replaceAll('$', '$$$$')] };
  if (spec.package)
    return {
      command: [
        '/bin/sh',
        '-c',
        spec.package.lock ? INSTALL_LOCKED : 'exec "$@"',
        'sh',
        ...installerOf(spec),
        ...spec.argv,
      ],
    };
  if (spec.image === undefined) return { command: [...spec.argv] };
  return spec.argv.length > 0 ? { args: [...spec.argv] } : {};
}

function variables(spec: LaunchSpec, secret: string | undefined): unknown[] {
  const hidden = valuesOf(spec);
  return Object.entries(environmentOf(spec)).map(([name, value]) =>
    secret !== undefined && Object.hasOwn(hidden, name)
      ? { name, valueFrom: { secretKeyRef: { name: secret, key: name } } }
      : { name, value: value.replaceAll('$', '$$$$') },
  );
}

/** Only what is declared. Processes and open files are limited by the node, not by a pod. */
function resourcesOf({ limits, requests }: LaunchSpec): Record<string, unknown> | undefined {
  const [most, least] = [amountsOf(limits), amountsOf(requests)];
  if (!most && !least) return undefined;
  return { ...(most && { limits: most }), ...(least && { requests: least }) };
}

function amountsOf({ cpu, memory }: NonNullable<LaunchSpec['requests']> = {}): Record<string, string> | undefined {
  if (cpu === undefined && memory === undefined) return undefined;
  return {
    ...(cpu !== undefined && { cpu: `${Math.max(1, Math.round(cpu * 1000))}m` }),
    ...(memory !== undefined && { memory: String(memory) }),
  };
}

/** The address of a network server inside the cluster, whichever pod has it. */
export function serviceObject(spec: LaunchSpec, place: Place): KubeObject | undefined {
  const port = portOf(spec);
  if (port === undefined) return undefined;
  return {
    ...head('v1', 'Service', objectName(spec), spec, place),
    spec: {
      type: 'ClusterIP',
      selector: labelsOf(place.owner, spec),
      ports: [{ name: 'mcp', port, targetPort: 'mcp', protocol: 'TCP' }],
    },
  };
}

/** Only the gateway reaches a network server, nobody a stdio server; out go those that may. */
export function networkPolicyObject(spec: LaunchSpec, place: Place): KubeObject {
  const port = portOf(spec);
  const gateway = {
    matchLabels: { 'app.kubernetes.io/name': 'mcpctl' },
    // Whoever reconciles asks them whether they work.
    matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'In', values: ['gateway', 'reconciler'] }],
  };
  const way = spec.isolation?.network ?? 'full';
  return {
    ...head('networking.k8s.io/v1', 'NetworkPolicy', objectName(spec), spec, place),
    spec: {
      podSelector: { matchLabels: labelsOf(place.owner, spec) },
      policyTypes: ['Ingress', 'Egress'],
      ...(port !== undefined && {
        ingress: [
          {
            from: [{ namespaceSelector: {}, podSelector: gateway }],
            ports: [{ port, protocol: 'TCP' }],
          },
        ],
      }),
      ...(way === 'full' && { egress: [{}] }),
    },
  };
}

/** What all servers of a namespace share: the namespace itself, and an account without a token. */
export function sharedObjects(owner: string, namespace: string): KubeObject[] {
  const labels = { 'app.kubernetes.io/managed-by': 'mcpctl', [marks.owner]: owner };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'mcpctl-server', namespace, labels },
      automountServiceAccountToken: false,
    },
  ];
}

function head(apiVersion: string, kind: string, name: string, spec: LaunchSpec, place: Place): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: place.namespace, labels: labelsOf(place.owner, spec) },
  };
}

const PLURALS: Record<string, string> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  Secret: 'secrets',
  Service: 'services',
  Deployment: 'deployments',
  NetworkPolicy: 'networkpolicies',
};

/** What names an object. */
export interface Applied {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** Where the API has an object. */
export function pathOf(object: Applied): string {
  return `${folderOf(object)}/${object.metadata.name}`;
}

/** Where the API has all of its kind. */
export function folderOf({ apiVersion, kind, metadata }: Applied): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${PLURALS[kind]}`;
}
