// Pods of the mesh that have no identity, or have one and are not in it, each with why.
import type { CoverageCounts, CoverageRow, CoverageState } from '../../domain/inventory/coverage.ts';
import type { ExplainedRow, PodRefusal } from '../../review/explain/pod-refusals.ts';
import { identityAt } from '../pages/identities.tsx';
import { Facts } from './facts.tsx';
import { Table, type Row } from './table.tsx';
import { Code, Count, Moment, Name, Shown, State, type Tone } from './values.tsx';

export const COVERAGE_WORDS: Readonly<Record<CoverageState, readonly [word: string, tone: Tone]>> = {
  covered: ['covered', 'good'],
  starting: ['starting', 'plain'],
  without: ['without identity', 'bad'],
  not_joined: ['not joined', 'bad'],
  outside: ['outside the mesh', 'warn'],
  gone: ['pod is gone', 'plain'],
};
export const COVERAGE_STATES = Object.keys(COVERAGE_WORDS) as readonly CoverageState[];

export function CoverageFacts({ of }: { readonly of: CoverageCounts }) {
  return <Facts facts={COVERAGE_STATES.map((state) => [COVERAGE_WORDS[state][0], <Count of={of[state]} />])} />;
}

const POD_HEAD = ['Pod', 'State', 'Namespace', 'Cluster', 'In the mesh by', 'Node', 'Since', 'Why'];
const NONE = 'None of those that are looked for.';

export function UncoveredPods({ of }: { readonly of: readonly ExplainedRow[] }) {
  return <Table caption="Pods that are not covered" head={POD_HEAD} none={NONE} rows={of.map(podRow)} />;
}

function podRow(row: ExplainedRow): Row {
  const { podName, podUid, state, namespace, cluster, way = '–', nodeName = '–', sinceMs, refusal } = row;
  const [word, tone] = COVERAGE_WORDS[state];
  return {
    key: `${cluster} ${podUid} ${state} ${row.identity ?? ''}`,
    cells: [
      <Name of={podName === '' ? podUid : podName} />,
      <State word={word} tone={tone} />,
      <Name of={namespace} />,
      <Name of={cluster} />,
      way,
      <Name of={nodeName} />,
      sinceMs === undefined ? '–' : <Moment at={sinceMs} />,
      <Why of={row} />,
    ],
    ...(refusal && { below: <Refused of={refusal} /> }),
  };
}

/** In few words: what to look at next. */
function Why({ of: { state, way, identity, isRevoked, refusal } }: { readonly of: ExplainedRow }) {
  if (isRevoked === true) return <>its certificate is revoked</>;
  if (refusal !== undefined) {
    return (
      <>
        refused <Moment at={refusal.timeMs} />
      </>
    );
  }
  if (state === 'without') return <>nothing was refused lately</>;
  if (state === 'not_joined') return <>{MISSED[way === 'ambient' ? 'ambient' : 'sidecar']}</>;
  return identity === undefined ? <>–</> : <Held identity={identity} />;
}

const MISSED = { sidecar: 'it has no sidecar: restart it', ambient: 'istio-cni has not taken it in' } as const;

function Held({ identity }: { readonly identity: NonNullable<CoverageRow['identity']> }) {
  return (
    <a href={identityAt(identity)}>
      <Name of={identity} />
    </a>
  );
}

function Refused({ of: { message, toPass, decisionId } }: { readonly of: PodRefusal }) {
  return (
    <>
      <p class="to-pass">
        The caller was told: <Shown text={message} /> (decision <Code of={decisionId} />)
      </p>
      {toPass.map((change) => (
        <p key={change} class="to-pass">
          <b>To pass:</b> <Shown text={change} />
        </p>
      ))}
    </>
  );
}
