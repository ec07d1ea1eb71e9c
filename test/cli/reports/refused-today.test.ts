import assert from 'node:assert/strict';
import type { CertificatesJudged, RefusedToday } from '../../../src/adapters/http/observation/routes.ts';
import { printRefusedToday } from '../../../src/cli/reports/server/refused-today.ts';
import type { InventoryFormat } from '../../../src/cli/reports/server/inventory.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const refused = (who: string, serial: string): RefusedToday => ({
  identity: `spiffe://cluster.local/ns/${who.replace('/', '/sa/')}`,
  serial,
  notAfterMs: NOON_MS + 3_600_000,
  decision: `d-${serial}`,
  renewable: false,
  reason: 'CAP-P04',
  where: 'shop/own spec.deny',
  words: 'web, allowed none',
});
const NUMBERS = { undecided: 0, leftOut: 0, reasons: { 'CAP-P04': 2 } };
/** Of before shop changed its policy, which refuses somebody else since. */
const JUDGED: CertificatesJudged = {
  ...NUMBERS,
  ...{ asOfMs: NOON_MS, revision: 'aaaa', isComplete: true, live: 500_000, refused: 2 },
  listed: [refused('bank/till', '1'), refused('shop/web', '2')],
  ahead: {
    ...NUMBERS,
    ...{ asOfMs: NOON_MS + 60_000, revision: 'bbbb', isComplete: true, live: 20, refused: 1 },
    namespaces: ['shop'],
    listed: [refused('shop/cart', '3')],
  },
  progress: { asOfMs: NOON_MS + 60_000, revision: 'bbbb', entries: 1_200, of: 500_000 },
};

function printed(judged: CertificatesJudged, format: InventoryFormat): string {
  const { terminal, out } = recordTerminal();
  printRefusedToday(judged, format, terminal);
  return out();
}

describe('Certificates that would be refused today, as they are printed', () => {
  it('are those that the newest policies of each namespace would refuse, with how far the rest is', () => {
    const [head, ...lines] = printed(JUDGED, 'table').trimEnd().split('\n');
    assert.match(head!, /^IDENTITY +SERIAL +VALID UNTIL +RENEWAL +WHY$/);
    assert.deepEqual(
      lines.slice(0, 2).map((line) => line.split(/ +/)[0]),
      ['spiffe://cluster.local/ns/shop/sa/cart', 'spiffe://cluster.local/ns/bank/sa/till'],
    );
    assert.deepEqual(lines.slice(2), [
      '500,000 live certificates, policy aaaa would refuse 2; begun 2026-01-06 12:00:00 UTC.',
      'Of namespace shop, changed since: 20 live certificates, policy bbbb would refuse 1; begun 2026-01-06 12:01:00 UTC.',
      'All are being judged by policy bbbb since 2026-01-06 12:01:00 UTC: 1,200 of 500,000 so far.',
    ]);
  });

  it('are still those of before, too, while it goes on with who comes ahead', () => {
    const ahead = { ...JUDGED.ahead!, isComplete: false };
    assert.equal(
      printed({ ...JUDGED, ahead }, 'csv')
        .trimEnd()
        .split('\n').length,
      4,
    );
    assert.equal(printed(JUDGED, 'csv').trimEnd().split('\n').length, 3);
  });

  it('are for programs what each revision says, by itself', () => {
    const { asOf, entries, ahead, progress } = JSON.parse(printed(JUDGED, 'json')) as Record<string, unknown> & {
      readonly entries: readonly object[];
      readonly ahead: { readonly namespaces: readonly string[]; readonly entries: readonly object[] };
    };
    assert.deepEqual(
      [asOf, entries.length, ahead.namespaces, ahead.entries.length],
      ['2026-01-06T12:00:00.000Z', 2, ['shop'], 1],
    );
    assert.deepEqual(progress, { asOf: '2026-01-06T12:01:00.000Z', revision: 'bbbb', entries: 1_200, of: 500_000 });
  });
});
