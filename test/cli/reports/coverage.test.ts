import assert from 'node:assert/strict';
import {
  printCoverage,
  type CoverageFormat,
  type ExplainedCoverage,
} from '../../../src/cli/reports/server/coverage.ts';
import type { ExplainedRow } from '../../../src/review/explain/pod-refusals.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const NONE = { covered: 0, starting: 0, without: 0, not_joined: 0, outside: 0, gone: 0 };
const ROW: ExplainedRow = {
  state: 'without',
  cluster: 'east',
  namespace: 'shop',
  podName: 'web-1',
  podUid: 'uid-1',
  nodeName: 'node-1',
  serviceAccount: 'web',
  way: 'sidecar',
  phase: 'Running',
  sinceMs: NOON_MS - 3_600_000,
  refusal: {
    decisionId: 'd-1',
    timeMs: NOON_MS - 1_000,
    reason: 'CAP-P01',
    message: 'CAP-P01 no policy rule allows this identity',
    toPass: ['add a rule for shop/web; ask security@corp.example'],
  },
};
const ANSWER: ExplainedCoverage = {
  nowMs: NOON_MS,
  asOfMs: NOON_MS - 1_000,
  clusters: [{ cluster: 'east' }, { cluster: 'west', unavailable: 'the pods of the cluster are not read yet' }],
  total: { ...NONE, covered: 7, without: 1 },
  namespaces: [{ cluster: 'east', namespace: 'shop', counts: { ...NONE, covered: 7, without: 1 } }],
  moreNamespaces: 0,
  rows: [ROW],
  more: 0,
};
const HOSTILE = ['\u202Egpj.exe', 'a\u0000b\u001B[31m', 'two\nlines', 'x'.repeat(2_000), '=cmd|calc'];

function printed(answer: ExplainedCoverage, format: CoverageFormat): { readonly out: string; readonly error: string } {
  const { terminal, out, error } = recordTerminal();
  printCoverage(answer, format, { terminal });
  return { out: out(), error: error() };
}

describe('The coverage as it is printed', () => {
  it('has the counts, the pods by name, why, what would pass, and what cannot be told', () => {
    assert.equal(
      printed(ANSWER, 'table').out,
      `CLUSTER  NAMESPACE  COVERED  STARTING  WITHOUT  NOT JOINED  OUTSIDE  GONE
east     shop       7        0         1        0           0        0
all                 7        0         1        0           0        0

CLUSTER  NAMESPACE  POD    STATE    IN THE MESH BY  NODE    PHASE    FOR         WHY
east     shop       web-1  without  sidecar         node-1  Running  60 minutes  refused: CAP-P01

CAP-P01 no policy rule allows this identity (decision d-1)
  to pass: add a rule for shop/web; ask security@corp.example

Nothing can be said of cluster west: the pods of the cluster are not read yet.
Certificates as of 2026-01-06 11:59:59 UTC.
`,
    );
  });

  it('says of each state what to look at next', () => {
    const plain = Object.fromEntries(
      Object.entries(ROW).filter(([name]) => name !== 'refusal'),
    ) as unknown as ExplainedRow;
    const why = (changes: Partial<ExplainedRow>): string =>
      printed({ ...ANSWER, rows: [{ ...plain, ...changes }] }, 'table')
        .out.split('\n')[5]
        ?.split(/ {2,}/)
        .at(-1) ?? '';
    assert.equal(why({}), 'nothing was refused lately');
    assert.equal(why({ isRevoked: true }), 'its certificate is revoked');
    assert.equal(why({ state: 'not_joined' }), 'no sidecar: restart it');
    assert.equal(why({ state: 'not_joined', way: 'ambient' }), 'istio-cni has not taken it in');
    assert.equal(
      why({ state: 'gone', identity: 'spiffe://cluster.local/ns/a/sa/b' }),
      'spiffe://cluster.local/ns/a/sa/b',
    );
    assert.equal(why({ state: 'starting' }), '-');
  });

  it('says that there is more, and where nothing is in the mesh', () => {
    assert.match(printed({ ...ANSWER, more: 3 }, 'table').out, /^3 more pods are not named/m);
    assert.match(printed({ ...ANSWER, more: 3 }, 'csv').error, /3 more pods are not named/);
    const none = { ...ANSWER, namespaces: [], rows: [], total: NONE };
    assert.match(printed(none, 'table').out, /^No pod is in the mesh\.$/m);
    assert.match(
      printed({ ...ANSWER, moreNamespaces: 2 }, 'table').out,
      /^2 namespaces with smaller gaps are left out\.$/m,
    );
  });

  it('is told as JSON with times, and as CSV that a spreadsheet takes for what it is', () => {
    const { pods, asOf } = JSON.parse(printed(ANSWER, 'json').out) as { pods: Record<string, unknown>[]; asOf: string };
    assert.equal(asOf, '2026-01-06T11:59:59.000Z');
    assert.deepEqual([pods[0]?.['since'], pods[0]?.['podName']], ['2026-01-06T11:00:00.000Z', 'web-1']);
    const [head, row] = printed(ANSWER, 'csv').out.split('\n');
    assert.match(head ?? '', /^cluster,namespace,podName,podUid,state,way,/);
    assert.match(row ?? '', /^east,shop,web-1,uid-1,without,sidecar,node-1,web,Running,,2026-01-06T11:00:00\.000Z,/);
  });

  it('shows hostile names on one line, in the order in which they are written', () => {
    const lines = printed(ANSWER, 'table').out.split('\n').length;
    for (const name of HOSTILE) {
      for (const column of ['cluster', 'namespace', 'podName', 'nodeName', 'phase'] as const) {
        const { out } = printed({ ...ANSWER, rows: [{ ...ROW, [column]: name }] }, 'table');
        assert.equal(out.split('\n').length, lines, `${column} ${name}`);
        assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]/u);
      }
      const refusal = { ...ROW.refusal!, message: name, toPass: [name] };
      assert.doesNotMatch(printed({ ...ANSWER, rows: [{ ...ROW, refusal }] }, 'table').out, /(?!\n)[\p{Cc}\p{Cf}]/u);
    }
  });
});
