// `capstan issue`: enrols a workload as Istio's agent would. A new key, a CSR, a token, one call;
// then key, chain and trust anchors in a folder.
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { Option, type Command } from 'commander';
import type { CsrAnswer } from '../../adapters/grpc/client/csr-client.ts';
import type { WorkloadKeyType } from '../../adapters/grpc/client/workload-csr.ts';
import { DEV_FILES } from '../../adapters/dev/dev-names.ts';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { CommandError, EXIT, exitCodeOfRefusal } from '../exit-codes.ts';
import { readInput, writeTogether } from '../inputs/files.ts';
import { ISTIO_FILES } from '../inputs/istio-files.ts';
import { outputOption, programName, type Invocation, type OutputFormat } from '../invocation.ts';
import { durationOption, identityOption } from '../options/option-values.ts';
import { formatTime, formatValidity } from '../../domain/text/format-time.ts';

interface IssueOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  readonly out: string;
  readonly server: string;
  readonly serverName: string;
  readonly root?: string;
  readonly tokenFile?: string;
  readonly dataDir: string;
  readonly keyType: WorkloadKeyType;
  readonly ttl?: number;
  readonly output: OutputFormat;
}

/** A token of our own lives just long enough for the call. */
const TOKEN_LIFETIME_MS = 300_000;
const HINT = 'start `capstan serve --dev` first, or name files with --root and --token-file';

const EXAMPLES = `
Examples:
  $ capstan issue --namespace default --service-account demo --out demo
  $ capstan issue --namespace shop --service-account web --out web --server ca.example.test:15012 \\
      --server-name ca.example.test --root root-cert.pem --token-file /var/run/secrets/tokens/istio-token

Writes key.pem (mode 0600), cert-chain.pem and root-cert.pem. A refusal ends with exit code 77.`;

export function registerIssue(program: Command, invocation: Invocation): void {
  program
    .command('issue')
    .description("enrol a workload through Istio's CSR API and write its key and certificate")
    .requiredOption('--namespace <name>', 'Kubernetes namespace of the workload')
    .requiredOption('--service-account <name>', 'its service account')
    .requiredOption('--out <folder>', 'where the files go; made when it is missing')
    .option('--trust-domain <name>', 'trust domain of the mesh', 'cluster.local')
    .option('--server <host:port>', 'where Capstan listens', '127.0.0.1:15012')
    .option('--server-name <name>', "DNS name that the server's certificate must carry", 'localhost')
    .option('--root <file>', "PEM trust anchors for the server (default: the data directory's)")
    .option('--token-file <file>', "bearer token to authenticate with (default: one of the data directory's issuer)")
    .option('--data-dir <folder>', 'data directory of `capstan serve --dev`', DEV_DATA_DIRECTORY)
    .addOption(
      new Option('--key-type <type>', 'type of the new key')
        .choices(['ec-p256', 'ec-p384', 'rsa-2048'] satisfies WorkloadKeyType[])
        .default('ec-p256'),
    )
    .option('--ttl <duration>', "lifetime to ask for (default: the server's)", durationOption)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((options: IssueOptions) => issue(options, invocation));
}

async function issue(options: IssueOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const identity = identityOption(options);
  const rootsPem = await readInput(options.root ?? path.join(options.dataDir, DEV_FILES.anchors), { hint: HINT });
  const token = await tokenFor(identity, options, invocation);
  // Loaded here: both bring large libraries, which no other command waits for.
  const [{ requestCertificate }, { makeWorkloadCsr }] = await Promise.all([
    import('../../adapters/grpc/client/csr-client.ts'),
    import('../../adapters/grpc/client/workload-csr.ts'),
  ]);
  const { csrPem, privateKeyPem } = await makeWorkloadCsr(identity.spiffeId.uri, options.keyType);
  const answer = await requestCertificate(
    { address: options.server, serverName: options.serverName, rootsPem },
    { csrPem, token, ...(options.ttl !== undefined && { validitySeconds: Math.ceil(options.ttl / 1000) }) },
    invocation,
  );
  if (answer.outcome === 'refused') {
    terminal.complain(refusalLine(answer));
    endWith(exitCodeOfRefusal(answer));
    return;
  }
  const leaf = demandOurs(answer, identity);
  await writeTogether(options.out, [
    { name: ISTIO_FILES.key, text: privateKeyPem, mode: 0o600 },
    { name: ISTIO_FILES.chain, text: answer.chainPems.join(''), mode: 0o644 },
    { name: ISTIO_FILES.anchors, text: answer.rootsPem, mode: 0o644 },
  ]);
  report(leaf, identity, options, invocation);
}

async function tokenFor(
  identity: KubernetesIdentity,
  { tokenFile, dataDir }: IssueOptions,
  { clock }: Invocation,
): Promise<string> {
  if (tokenFile !== undefined) return (await readInput(tokenFile)).trim();
  const { mintDevToken } = await import('../inputs/dev-token.ts');
  return mintDevToken(dataDir, identity, { nowMs: clock.nowMs(), lifetimeMs: TOKEN_LIFETIME_MS }, HINT);
}

/** Our own lines begin with a reason code; those of the transport do not say what they are. */
function refusalLine({ status, message }: Extract<CsrAnswer, { outcome: 'refused' }>): string {
  return message.startsWith('CAP-') ? message : `${status} ${message}`;
}

/** What is written must be of use: for the identity that was asked for. */
function demandOurs({ chainPems }: Extract<CsrAnswer, { outcome: 'issued' }>, identity: KubernetesIdentity) {
  const leaf = new X509Certificate(chainPems[0] ?? '');
  if (leaf.subjectAltName === `URI:${identity.spiffeId.uri}`) return leaf;
  const found = leaf.subjectAltName ?? 'no name';
  throw new CommandError(EXIT.data, `the token proves another identity: the server certified ${found}`);
}

function report(leaf: X509Certificate, identity: KubernetesIdentity, options: IssueOptions, invocation: Invocation) {
  const { terminal, clock, environment } = invocation;
  const chain = path.join(options.out, ISTIO_FILES.chain);
  const serial = leaf.serialNumber.toLowerCase();
  const issuer = leaf.issuer.split('\n').join(', ');
  const [notBeforeMs, notAfterMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  if (options.output === 'json') {
    const notAfter = new Date(notAfterMs).toISOString();
    terminal.printJson({ identity: identity.spiffeId.uri, serial, issuer, notAfter, folder: options.out });
    return;
  }
  const left = formatValidity({ notBeforeMs, notAfterMs }, clock.nowMs());
  terminal.print(`${identity.spiffeId.uri} has a certificate until ${formatTime(notAfterMs)}, ${left}.`);
  terminal.print(`  serial   ${serial}`);
  terminal.print(`  issuer   ${issuer}`);
  const written = Object.values(ISTIO_FILES).map((name) => path.join(options.out, name));
  terminal.print(`  written  ${written.join(' ')}`);
  terminal.print(`\n  ${programName(environment)} inspect ${chain}`);
}
