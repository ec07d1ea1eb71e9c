import assert from 'node:assert/strict';
import type { InventoryRow } from '../../../src/authority/inventory/inventory-overview.ts';
import { printInventory, type InventoryFormat } from '../../../src/cli/reports/server/inventory.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const ROW: InventoryRow = {
  identity: 'spiffe://cluster.local/ns/shop/sa/web',
  cluster: 'east',
  podUid: 'uid-1',
  class: 'workload',
  namespace: 'shop',
  podName: 'web-1',
  nodeName: 'node-1',
  api: 'csr',
  decisionId: 'd-1',
  serial: '5e01',
  issuer: 'fedcba9876543210',
  issuedMs: NOON_MS,
  notBeforeMs: NOON_MS,
  notAfterMs: NOON_MS + 3_600_000,
  renewalMs: NOON_MS + 1_800_000,
  overdueMs: NOON_MS + 2_700_000,
  state: 'live',
};
/** What nobody may see of a name: script is only text here, but lines, columns and directions are not. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '\u202Egpj.exe',
  'a\u0000b\u001B[31m',
  'two\nlines',
  'x'.repeat(2_000),
  '=cmd|calc',
];
const COLUMNS = ['identity', 'cluster', 'namespace', 'podName', 'podUid', 'nodeName', 'issuerName', 'relay'] as const;

function printed(row: InventoryRow, format: InventoryFormat): string {
  const { terminal, out } = recordTerminal();
  printInventory({ nowMs: NOON_MS, asOfMs: NOON_MS, rows: [row] }, format, { terminal });
  return out();
}

describe('The inventory as it is printed', () => {
  it('says as of when it is, and that there is more', () => {
    const { terminal, out } = recordTerminal();
    printInventory({ nowMs: NOON_MS, asOfMs: NOON_MS, rows: [], cursor: 'abc' }, 'table', { terminal });
    assert.equal(out(), 'Nobody.\nAs of 2026-01-06 12:00:00 UTC.\nThere are more: --cursor abc\n');
  });

  it('shows hostile names in every column on one line, in the order in which they are written', () => {
    for (const name of HOSTILE) {
      for (const column of COLUMNS) {
        const text = printed({ ...ROW, [column]: name }, 'table');
        assert.equal(text.split('\n').length, 4, `${column} ${name}`);
        assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/u);
        assert.ok(text.length < 2_500);
      }
    }
  });

  it('has them as JSON and as CSV whole, without a sign that cannot be seen', () => {
    for (const name of HOSTILE) {
      for (const column of COLUMNS) {
        const json = printed({ ...ROW, [column]: name }, 'json');
        assert.doesNotMatch(json, /(?!\n)[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/u);
        const { entries } = JSON.parse(json) as { readonly entries: readonly Record<string, unknown>[] };
        assert.equal(entries[0]?.[column], name);
        const csv = printed({ ...ROW, [column]: name }, 'csv');
        assert.equal(csv.trimEnd().split('\n').length, 2, 'a head and a row');
        assert.doesNotMatch(csv, /(?!\n)[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/u);
        assert.doesNotMatch(csv, /(^|,)"?[=+@-]/m);
      }
    }
  });
});
