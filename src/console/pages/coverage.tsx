// Which pods of the mesh have no live identity: the gap by name, with why, and the counts of each namespace. What is looked for stands
// in the address under the names that the server has for it.
import type { CoverageAnswer, CoverageByNamespace } from '../../authority/inventory/coverage-overview.ts';
import type { CoverageCounts } from '../../domain/inventory/coverage.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { ExplainedRow } from '../../review/explain/pod-refusals.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Choice, Filters, Text } from '../parts/filters.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { COVERAGE_STATES, COVERAGE_WORDS, CoverageFacts, UncoveredPods } from '../parts/uncovered-pods.tsx';
import { Count, Name, Shown } from '../parts/values.tsx';
import { goTo, withChoice } from '../route.ts';
import { useAnswer } from '../use-answer.ts';
import type { PageProps } from './pages.tsx';

type Answer = CoverageAnswer<ExplainedRow>;

/** Pods of one page: the server explains each of them anew whenever the page looks. */
const NAMED = 200;
const ALL = 'any';
const GAP = 'the gap';
const CHOICES = [ALL, GAP, ...COVERAGE_STATES.filter((state) => state !== 'covered')];

export function CoveragePage({ address }: PageProps) {
  const chosen = (name: string): string => address.query.get(name) ?? '';
  const choose = (changes: Readonly<Record<string, string>>) => goTo(withChoice(address, changes));
  const chooseState = (value: string): void =>
    choose({ gap: value === GAP ? 'true' : '', state: value === GAP || value === ALL ? '' : value });
  const asked = new URLSearchParams(address.query);
  asked.set('limit', String(NAMED));
  const found = useAnswer<Answer>(`/api/inventory/coverage?${asked.toString()}`);
  return (
    <>
      <Filters>
        <Text label="Namespace" value={chosen('namespace')} onText={(namespace) => choose({ namespace })} />
        <Text label="Cluster" value={chosen('cluster')} onText={(cluster) => choose({ cluster })} />
        <Choice
          label="State"
          value={chosen('gap') === 'true' ? GAP : chosen('state') || ALL}
          of={CHOICES}
          onChoice={chooseState}
        />
      </Filters>
      <WithAnswer of={found} show={(answer) => <Coverage of={answer} />} />
    </>
  );
}

function Coverage({ of }: { readonly of: Answer }) {
  const { asOfMs, clusters, total, rows, more, namespaces, moreNamespaces } = of;
  const seen = clusters.filter(({ unavailable }) => unavailable === undefined);
  return (
    <>
      {asOfMs !== undefined && <p class="as-of">Certificates as of {formatTime(asOfMs)}</p>}
      <Unseen of={clusters} />
      {clusters.length === 0 && <p class="none">No pod of these namespaces is in the mesh.</p>}
      {seen.length > 0 && (
        <>
          <CoverageFacts of={total} />
          <UncoveredPods of={rows} />
          {more > 0 && (
            <p class="none">
              <Count of={more} /> more are not named: choose a namespace, a cluster or a state.
            </p>
          )}
          <Table
            caption="Namespaces"
            head={['Namespace', 'Cluster', ...COVERAGE_STATES.map((state) => COVERAGE_WORDS[state][0])]}
            numbers={COVERAGE_STATES.map((_, at) => at + 2)}
            none="No pod is in the mesh."
            rows={namespaces.map(namespaceRow)}
          />
          {moreNamespaces > 0 && (
            <p class="none">
              <Count of={moreNamespaces} /> namespaces with smaller gaps are left out.
            </p>
          )}
        </>
      )}
    </>
  );
}

/** Nobody is to take a cluster that is not seen for one without a gap. */
function Unseen({ of }: { readonly of: Answer['clusters'] }) {
  return (
    <>
      {of.map(({ cluster, unavailable, leftOut }) => (
        <>
          {unavailable !== undefined && (
            <p class="as-of old" role="alert">
              Nothing can be said of cluster <Name of={cluster} />: <Shown text={unavailable} />.
            </p>
          )}
          {leftOut !== undefined && (
            <p class="as-of old">
              Of cluster <Name of={cluster} /> these namespaces have more pods than are kept:{' '}
              <Name of={leftOut.join(', ')} />.
            </p>
          )}
        </>
      ))}
    </>
  );
}

function namespaceRow({ cluster, namespace, counts }: CoverageByNamespace): Row {
  const cells = (of: CoverageCounts) => COVERAGE_STATES.map((state) => <Count of={of[state]} />);
  const search = new URLSearchParams({ cluster, namespace }).toString();
  return {
    key: `${cluster} ${namespace}`,
    cells: [
      <a href={`/coverage?${search}`}>
        <Name of={namespace} />
      </a>,
      <Name of={cluster} />,
      ...cells(counts),
    ],
  };
}
