// `capstan inspect`: a certificate chain, explained up to the trust anchor.
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { Command } from 'commander';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import type { SubjectAltName } from '../../../domain/x509/template.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput } from '../../inputs/files.ts';
import { ISTIO_FILES } from '../../inputs/istio-files.ts';
import type { ReadCertificate } from '../../../review/inspect/certificate-facts.ts';
import type { InspectedFile } from '../../reports/certificates/chain.ts';
import { durationOption } from '../../options/option-values.ts';
import { outputOption, type Invocation, type OutputFormat } from '../../invocation.ts';

interface InspectOptions {
  readonly root?: string;
  readonly certifies?: readonly string[];
  readonly partialChain?: boolean;
  readonly longestLeaf?: number;
  readonly output: OutputFormat;
}

const EXAMPLES = `
Examples:
  $ capstan inspect demo/cert-chain.pem
  $ capstan inspect --root /etc/capstan/anchors.pem issuer-chain.pem --output json

Without --root the trust anchors are those of root-cert.pem beside the file.
Ends with exit code 65 when a chain does not lead to a trust anchor.`;

export function registerInspect(program: Command, invocation: Invocation): void {
  program
    .command('inspect')
    .description('explain a certificate chain, up to the trust anchor')
    .argument('<file...>', 'PEM files, each one chain: leaf first')
    .option('--root <file>', 'PEM trust anchors')
    .option('--certifies <name...>', 'names that a CA is to certify: SPIFFE IDs, DNS names, IP addresses')
    .option('--partial-chain', 'take a trust anchor that another CA signed, as Envoy does without the SPIFFE validator')
    .option(
      '--longest-leaf <duration>',
      'judge whether a CA lives long enough for leaves of this lifetime',
      durationOption,
    )
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((files: readonly string[], options: InspectOptions) => inspect(files, options, invocation));
}

async function inspect(files: readonly string[], options: InspectOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock, endWith } = invocation;
  const nowMs = clock.nowMs();
  const { printInspection } = await import('../../reports/certificates/chain.ts');
  const inspected: InspectedFile[] = [];
  for (const file of files) inspected.push(await inspectFile(file, options, nowMs));
  if (inspected.some(({ inspection }) => inspection.verdict !== 'trusted')) endWith(EXIT.data);
  if (options.output === 'json') {
    terminal.printJson(inspected.map(asJson));
    return;
  }
  for (const [index, one] of inspected.entries()) {
    if (index > 0) terminal.print('');
    printInspection(one, terminal, nowMs);
  }
}

async function inspectFile(
  file: string,
  { root, certifies = [], partialChain = false, longestLeaf }: InspectOptions,
  nowMs: number,
): Promise<InspectedFile> {
  const { inspectChain } = await import('../../../review/inspect/inspect-chain.ts');
  const chain = await readCertificates(file);
  const beside = path.join(path.dirname(file), ISTIO_FILES.anchors);
  const anchorsFile = root ?? (existsSync(beside) ? beside : undefined);
  const anchors = anchorsFile === undefined ? [] : await readCertificates(anchorsFile);
  return {
    file,
    anchorsFile,
    inspection: inspectChain(chain, anchors, {
      nowMs,
      certifies: certifies.map(nameOf),
      partialChain,
      ...(longestLeaf !== undefined && { longestLeafMs: longestLeaf }),
    }),
  };
}

function nameOf(value: string): SubjectAltName {
  if (value.includes('://')) return { kind: 'uri', value };
  return { kind: isIP(value) === 0 ? 'dns' : 'ip', value };
}

/** @throws CommandError 65 naming the file when it is not PEM certificates and nothing else. */
async function readCertificates(file: string): Promise<readonly ReadCertificate[]> {
  const { readCertificate } = await import('../../../review/inspect/certificate-facts.ts');
  const blocks = decodePemBlocks(await readInput(file), 'CERTIFICATE');
  if ('problem' in blocks) throw new CommandError(EXIT.data, `${file} ${blocks.problem}`);
  return blocks.map((der, index) => {
    try {
      return readCertificate(der);
    } catch (cause) {
      throw new CommandError(EXIT.data, `${file}: certificate ${index + 1} does not parse`, { cause });
    }
  });
}

function asJson({ file, anchorsFile, inspection }: InspectedFile): unknown {
  const { verdict, problems, warnings, ask, chain, anchor } = inspection;
  const certificate = ({ facts: { notBeforeMs, notAfterMs, ...facts } }: ReadCertificate) => ({
    ...facts,
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
  });
  return {
    file,
    verdict,
    problems,
    warnings,
    ask,
    chain: chain.map(certificate),
    ...(anchor !== undefined && { anchor: certificate(anchor), anchorsFile }),
  };
}
