// In-process issuing on one core: our real path against crypto/x509, and against the raw
// signatures and verifications that nobody can do without.
import path from 'node:path';
import { goDuration, inTurn, WARM_UP_SECONDS, type Benchmark, type Context } from '../../benchmark.ts';
import type { CsrKind } from '../../material.ts';
import { row } from '../../measurement.ts';
import { runForJson, SERVER_CORE } from '../../processes.ts';
import { opensslSpeed } from '../../yardsticks.ts';

interface Rate {
  readonly perSecond: number;
}

const LOOP = path.join(import.meta.dirname, 'issue-loop.ts');

export function issueBenchmark(kind: CsrKind): Benchmark {
  const name = `issue.${kind}`;
  return {
    rows: [name, `${name}.floor`],
    needsGo: false,
    run: async (context) => {
      const measured = await inTurn(context.rounds, {
        ours: async () => ours(context, kind),
        go: async () => theirs(context, kind),
        floor: async () => floorOf(kind),
      });
      const go = `crypto/x509, ${context.go?.version ?? 'go'}`;
      return [
        row(name, 'issued/s', measured.ours, { name: go, values: measured.go.flat() }),
        row(`${name}.floor`, 'issued/s', measured.ours, {
          name: 'openssl speed: verify + sign + verify',
          values: measured.floor.flat(),
        }),
      ];
    },
  };
}

async function ours({ material, seconds }: Context, kind: CsrKind): Promise<number> {
  const { issuerCert, issuerKey, roots, csr } = material;
  const args = [LOOP, issuerCert, issuerKey, roots, csr[kind], String(WARM_UP_SECONDS), String(seconds)];
  return (await runForJson<Rate>(SERVER_CORE, process.execPath, args)).perSecond;
}

/** @returns nothing where there is no Go. */
async function theirs({ go, material, seconds }: Context, kind: CsrKind): Promise<number[]> {
  if (go === undefined) return [];
  const { issuerCert, issuerKey, csr } = material;
  const files = ['-issuer', issuerCert, '-key', issuerKey, '-csr', csr[kind]];
  const times = ['-warmup', goDuration(WARM_UP_SECONDS), '-window', goDuration(seconds)];
  return [(await runForJson<Rate>(SERVER_CORE, go.issue, [...files, ...times])).perSecond];
}

/** The CSR's signature verified, ours made, ours verified: what the mathematics alone would allow. */
async function floorOf(kind: CsrKind): Promise<number[]> {
  const issuer = await opensslSpeed('p256');
  const subject = kind === 'p256' ? issuer : await opensslSpeed(kind);
  if (issuer === undefined || subject === undefined) return [];
  return [1 / (1 / subject.verify + 1 / issuer.sign + 1 / issuer.verify)];
}
