// An inspected chain as a person reads it: what the leaf is for, then the way down from the anchor.
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import type { Terminal } from '../../terminal.ts';
import { formatTime, formatValidity } from '../../../domain/text/format-time.ts';
import { titleOf, type CertificateFacts, type ReadCertificate } from '../../../review/inspect/certificate-facts.ts';
import type { Inspection } from '../../../review/inspect/inspect-chain.ts';

const VERDICTS = {
  trusted: ['green', 'trusted: every link holds up to the trust anchor'],
  unanchored: ['yellow', 'not judged: every link holds, but no trust anchor was given; name one with --root'],
  constrained: [
    'yellow',
    'not judged: every link holds, but name constraints decide what it may certify; say what with --certifies',
  ],
  broken: ['red', 'not trusted'],
} as const;

export interface InspectedFile {
  readonly file: string;
  readonly inspection: Inspection;
  /** Where the trust anchors were read; absent when there were none. */
  readonly anchorsFile: string | undefined;
}

export function printInspection(
  { file, inspection, anchorsFile }: InspectedFile,
  terminal: Terminal,
  nowMs: number,
): void {
  const [colour, words] = VERDICTS[inspection.verdict];
  terminal.print(`${terminal.styled('bold', file)}: ${terminal.styled(colour, words)}`);
  for (const problem of inspection.problems) terminal.print(`  - ${problem}`);
  for (const warning of inspection.warnings) terminal.print(`  - warning: ${warning}`);
  for (const wanted of inspection.ask) terminal.print(`  ask the CA for ${wanted}`);
  const [leaf] = inspection.chain;
  if (leaf === undefined) return;
  terminal.print('');
  for (const [label, text] of leafLines(leaf.facts, nowMs)) terminal.print(`  ${label.padEnd(10)}${text}`);
  terminal.print('\n  From the trust anchor down:\n');
  for (const line of treeLines(inspection, anchorsFile, nowMs)) terminal.print(`  ${line}`);
}

function leafLines(facts: CertificateFacts, nowMs: number): readonly (readonly [label: string, text: string])[] {
  const use = [...facts.extendedKeyUsage, ...(facts.ca ? ['a CA'] : [])].join(', ') || 'anything';
  return [
    ['names', facts.names.map((name) => name.replace(/^URI /, '')).join(', ') || facts.subject],
    ...identityLines(facts),
    ['valid', `${formatTime(facts.notBeforeMs)} to ${formatTime(facts.notAfterMs)}, ${formatValidity(facts, nowMs)}`],
    ['key', `${facts.key}, for ${facts.keyUsage.join(', ') || 'any use'}`],
    ['used as', use],
    ['signed', `with ${facts.signature} by ${facts.issuer}`],
    ['serial', facts.serial],
  ];
}

/** What the SPIFFE ID means in Kubernetes, when it means something there. */
function identityLines(facts: CertificateFacts): readonly (readonly [label: string, text: string])[] {
  const id = SpiffeId.parse(titleOf(facts));
  const identity = id instanceof SpiffeId ? kubernetesIdentityOf(id) : undefined;
  if (identity === undefined || 'problem' in identity) return [];
  const { serviceAccount, namespace, trustDomain } = identity;
  return [['', `service account ${serviceAccount} in namespace ${namespace} of trust domain ${trustDomain}`]];
}

function treeLines({ chain, anchor }: Inspection, anchorsFile: string | undefined, nowMs: number): readonly string[] {
  const below = anchor === undefined ? chain : chain.filter(({ facts }) => facts.sha256 !== anchor.facts.sha256);
  const head =
    anchor === undefined
      ? ['(no trust anchor)']
      : [
          titleOf(anchor.facts),
          `  trust anchor in ${anchorsFile ?? ''}, ${life(anchor, nowMs)}`,
          `  SHA-256 ${anchor.facts.sha256}`,
        ];
  const links = [...below].reverse().flatMap((certificate, depth) => {
    const indent = '   '.repeat(depth);
    const what = certificate.facts.ca ? formatCa(certificate.facts) : 'no CA';
    return [`${indent}└─ ${titleOf(certificate.facts)}`, `${indent}     ${what}, ${life(certificate, nowMs)}`];
  });
  return [...head, ...links];
}

function formatCa({ pathLength }: CertificateFacts): string {
  if (pathLength === undefined) return 'CA';
  return pathLength === 0 ? 'CA of leaves only' : `CA with at most ${pathLength} more below it`;
}

function life({ facts }: ReadCertificate, nowMs: number): string {
  return formatValidity(facts, nowMs);
}
