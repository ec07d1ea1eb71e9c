// Issuing with a key in a token of SoftHSM, in time by the clock: the process of the server waits, and another one works. The
// yardstick is the same key in the memory of the process that issues.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findSoftHsm, SoftHsm } from '../../../peers/pkcs11/support/softhsm.ts';
import { inTurn, WARM_UP_SECONDS, type Benchmark } from '../../benchmark.ts';
import { row } from '../../measurement.ts';
import { runForJson, SERVER_CORE } from '../../processes.ts';

interface Rate {
  readonly perSecond: number;
}

const LOOP = path.join(import.meta.dirname, 'issue-loop.ts');
const NAME = 'issue.pkcs11';
/** In the configuration of the loop: by the clock, with as many under way as on a busy server. */
const IN_MEMORY = 'memory';

export const pkcs11Benchmark: Benchmark = {
  rows: [NAME],
  needsGo: false,
  run: async ({ material, seconds, rounds }) => {
    const library = findSoftHsm();
    if (library === undefined) {
      console.error(`skipped: ${NAME}: SoftHSM is not installed: npm run peers`);
      if (process.env['REQUIRE_PEERS'] === '1') throw new Error('REQUIRE_PEERS=1, but SoftHSM is absent');
      return [];
    }
    using hsm = new SoftHsm(library);
    hsm.importKey(readFileSync(material.issuerKey, 'utf8'), 'issuer', '01');
    const rate = async (where: string): Promise<number> => {
      const { issuerCert, issuerKey, roots, csr } = material;
      const args = [LOOP, issuerCert, issuerKey, roots, csr.p256, String(WARM_UP_SECONDS), String(seconds), where];
      return (await runForJson<Rate>(SERVER_CORE, process.execPath, args)).perSecond;
    };
    const measured = await inTurn(rounds, {
      token: async () => rate(JSON.stringify(hsm.settings('issuer'))),
      memory: async () => rate(IN_MEMORY),
    });
    return [row(NAME, 'issued/s', measured.token, { name: 'the key in memory', values: measured.memory })];
  },
};
