// What a person sees when the server is up: the listeners, the trust anchor, and what to try next.
import type { ServeReport } from '../../../app/serve.ts';
import { DEV_DATA_DIRECTORY } from '../../../config/dev.ts';
import type { Terminal } from '../../terminal.ts';
import { formatSpan, formatTime } from '../../../domain/text/format-time.ts';

export interface ReportContext {
  readonly terminal: Terminal;
  readonly nowMs: number;
  /** How to call us, in a line to paste. */
  readonly program: string;
  /** In dev mode, where everything is. */
  readonly dataDir: string | undefined;
  /** The data directory is new, and so is the trust anchor. */
  readonly created: boolean;
  readonly logFile: string | undefined;
  readonly socketDirectory: string | undefined;
}

/** Sockets listed by name; the rest is a number. */
const MAX_LISTED = 5;
/** Characters: an issuer with a longer name stands out of its column. */
const MAX_LABEL = 40;

export function reportReady(report: ServeReport, context: ReportContext): void {
  const { terminal } = context;
  terminal.print(terminal.styled('bold', headline(report)));
  terminal.print('');
  const lines = facts(report, context);
  const width = Math.max(...lines.map(([label]) => Math.min(label.length, MAX_LABEL)));
  for (const [label, text] of lines) terminal.print(`  ${label.padEnd(width)} ${text}`);
  if (context.dataDir === undefined) return;
  terminal.print('\nTry next, in another terminal:');
  for (const line of nextCommands(report, context)) terminal.print(`  ${line}`);
}

function headline({ trustDomain, troubled }: ServeReport): string {
  const unready = troubled.some(({ state }) => state === 'not ready');
  return unready
    ? `Capstan has started for trust domain ${trustDomain}, but is not ready.`
    : `Capstan is ready for trust domain ${trustDomain}.`;
}

function facts(report: ServeReport, context: ReportContext): readonly (readonly [label: string, text: string])[] {
  const { nowMs } = context;
  const end = (ms: number): string => `until ${formatTime(ms)}, ${formatSpan(ms - nowMs)} left`;
  return [
    ['CSR API and SDS', `${report.tlsAddress} (TLS)`],
    ...(report.plaintextAddress === undefined ? [] : [['', `${report.plaintextAddress} (plaintext)`] as const]),
    ...(report.bundleAddress === undefined
      ? []
      : [['Bundle endpoint', `https://${report.bundleAddress}/, the trust anchors for other trust domains`] as const]),
    ...(report.crlAddress === undefined
      ? []
      : [['Revocation lists', `http://${report.crlAddress}/crl/<issuer id>.crl`] as const]),
    ...sockets(report, context).map((text, index) => [index === 0 ? 'SDS sockets' : '', text] as const),
    ...report.troubled.map(({ part, state, why }) => [inCapital(state), `${part}: ${why}`] as const),
    ['Health, metrics', `http://${report.httpAddress}/healthz /readyz /policy /metrics`],
    ...(report.metricsAddress === undefined
      ? []
      : [['', `https://${report.metricsAddress}, the same to who shows a token or a certificate`] as const]),
    ...(report.administrationAddress === undefined
      ? []
      : [
          [
            'Administration',
            `https://${report.administrationAddress}, for operators with a client certificate`,
          ] as const,
        ]),
    ...(report.consoleUrl === undefined ? [] : [['Console', report.consoleUrl] as const]),
    ...report.anchors.flatMap(({ subject, sha256, notAfterMs }) => [
      ['Trust anchor', `${subject}${context.created ? ', made now and for this directory only' : ''}`] as const,
      ['', `SHA-256 ${inPairs(sha256)}`] as const,
      ['', end(notAfterMs)] as const,
    ]),
    ['Policy bundle', formatPolicy(report)],
    ...clusterFacts(report).map((text, index) => [index === 0 ? 'Cluster view' : '', text] as const),
    ...report.issuers.map(({ name, subject, notAfterMs }, index): readonly [string, string] => [
      index === 0 ? 'Issuer' : `Issuer ${name}`,
      `${subject}, ${end(notAfterMs)}`,
    ]),
    ...(context.logFile === undefined ? [] : [['Log', context.logFile] as const]),
  ];
}

function formatPolicy({ policy: { bundle, place, signed } }: ServeReport): string {
  return `${bundle} from ${place}${signed ? '' : ', NOT SIGNED: dev mode takes it as it is'}`;
}

function clusterFacts({ cluster }: ServeReport): readonly string[] {
  if (cluster === undefined) return [];
  const { objects, files, passedOver } = cluster;
  const beside = passedOver === 0 ? '' : `, ${passedOver} that describe none passed over`;
  return [`${objects} objects in ${files} manifests${beside}`];
}

function sockets({ sockets: open }: ServeReport, { socketDirectory }: ReportContext): readonly string[] {
  const hidden = open.length - MAX_LISTED;
  return [
    ...open.slice(0, MAX_LISTED),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
    ...(socketDirectory === undefined ? [] : [`${socketDirectory}/<namespace>/<service account>/sds.sock`]),
  ];
}

function nextCommands(report: ServeReport, { program, dataDir, socketDirectory }: ReportContext): readonly string[] {
  const place = dataDir === undefined || dataDir === DEV_DATA_DIRECTORY ? '' : ` --data-dir ${dataDir}`;
  const server = report.tlsAddress === '127.0.0.1:15012' ? '' : ` --server ${report.tlsAddress}`;
  const who = '--namespace default --service-account demo';
  return [
    `${program} issue ${who} --out demo${server}${place}`,
    `${program} inspect demo/cert-chain.pem`,
    `${program} journal list${place}`,
    ...(socketDirectory === undefined
      ? []
      : [`mkdir -p ${socketDirectory}/default/demo   # makes an SDS socket in it`]),
  ];
}

function inCapital(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

/** As `capstan inspect` and OpenSSL print a fingerprint, so that people can compare. */
function inPairs(hex: string): string {
  return (hex.toUpperCase().match(/../g) ?? []).join(':');
}
