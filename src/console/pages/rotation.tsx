// The board of a rotation of trust anchors, with its gate: the same as `capstan anchor status`.
import type { RotationStatus } from '../../authority/administration/anchor-acts.ts';
import type { ReviewedRotation } from '../../authority/administration/rotation-review.ts';
import type { Lag, Share } from '../../domain/trust/rotation/progress.ts';
import type { AnchorRotation, RotationPhase } from '../../domain/trust/rotation/rotation.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Facts } from '../parts/facts.tsx';
import { Table } from '../parts/table.tsx';
import { Code, Count, Moment, Name, Shown } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';

const PHASES: readonly RotationPhase[] = ['publish', 'adopt', 'retire', 'done'];
/** What a person asks for next, in each phase. */
const NEXT: Partial<Readonly<Record<RotationPhase, string>>> = { publish: 'advance', adopt: 'retire' };

export function RotationPage() {
  const status = useAnswer<RotationStatus>('/api/anchors/rotation');
  return <WithAnswer of={status} show={(answer) => <Board of={answer} />} />;
}

function Board({ of: { anchors, rotation, review, reading, pending } }: { readonly of: RotationStatus }) {
  return (
    <>
      <Table
        caption="In force"
        head={['Subject', 'SHA-256', 'Ends']}
        none="No trust anchor is in force."
        rows={anchors.map(({ subject, sha256, notAfterMs }) => ({
          key: sha256,
          cells: [<Name of={subject} />, <Code of={sha256} />, <Moment at={notAfterMs} />],
        }))}
      />
      {rotation === undefined ? (
        <p class="none">No rotation of trust anchors was started.</p>
      ) : (
        <Phases of={rotation} />
      )}
      {reading === true && <p>What is known of live workloads is still being read.</p>}
      {rotation !== undefined && review !== undefined && <Reviewed rotation={rotation} review={review} />}
      {pending.length > 0 && (
        <Table
          caption="Waiting for a second person"
          head={['Step', 'Digest', 'Asked for by', 'Lapses', 'Reason']}
          none=""
          rows={pending.map(({ act, digest, actor, untilMs, reason }) => ({
            key: digest,
            cells: [act, <Code of={digest} />, <Name of={actor} />, <Moment at={untilMs} />, <Name of={reason} />],
          }))}
        />
      )}
    </>
  );
}

function Phases({ of: { id, phase, added, old, moves } }: { readonly of: AnchorRotation }) {
  const last = moves.at(-1) ?? moves[0];
  return (
    <section>
      <h2>
        Rotation <Code of={id} />
      </h2>
      <ol class="phases">
        {(phase === 'aborted' ? [...PHASES.slice(0, 1), phase] : PHASES).map((one) => (
          <li key={one} aria-current={one === phase ? 'step' : undefined}>
            {one}
          </li>
        ))}
      </ol>
      <Facts
        facts={[
          ['From', <Anchors of={old} />],
          ['To', <Anchors of={added} />],
          ['In this phase since', <Moment at={last.timeMs} />],
          ['By', <Name of={last.approvedBy === undefined ? last.actor : `${last.actor} and ${last.approvedBy}`} />],
          ['Reason', <Name of={last.reason} />],
        ]}
      />
    </section>
  );
}

/** Anchors of one name differ in their digests. */
function Anchors({ of }: { readonly of: AnchorRotation['old'] }) {
  return (
    <>
      {of.map(({ sha256, subject }) => (
        <div key={sha256}>
          <Name of={subject} /> <Code of={sha256.slice(0, 16)} />
        </div>
      ))}
    </>
  );
}

function Reviewed({ rotation, review }: { readonly rotation: AnchorRotation; readonly review: ReviewedRotation }) {
  const { progress, obstacles, plan, atMs } = review;
  const step = NEXT[rotation.phase];
  return (
    <>
      <section aria-label="Gate">
        <h2>{step === undefined ? 'In the way of its end' : `In the way of ${step}`}</h2>
        {obstacles.length === 0 ? (
          <p class="well">Nothing is in the way{step === undefined ? '' : `: capstan anchor ${step}`}.</p>
        ) : (
          <ul>
            {obstacles.map(({ text, advice }) => (
              <li key={text}>
                <Shown text={text} />
                {advice !== undefined && (
                  <p class="advice">
                    <Shown text={advice} />
                  </p>
                )}
              </li>
            ))}
          </ul>
        )}
      </section>
      <Table
        caption="Workloads"
        head={['Namespace', 'Live', 'Know the new', 'Acknowledged', 'Present the new']}
        numbers={[1, 2, 3, 4]}
        none="No workload lives."
        rows={[{ namespace: 'all', ...progress.all }, ...progress.namespaces].map((share) => ({
          key: share.namespace,
          cells: [
            <Name of={share.namespace === '' ? '–' : share.namespace} />,
            <Count of={share.workloads} />,
            <Part of={share} part={share.know} />,
            <Count of={share.acknowledged} />,
            <Part of={share} part={share.present} />,
          ],
        }))}
      />
      <p class="as-of">
        Of workloads, as of <Moment at={atMs} />
      </p>
      <Laggards lag={lagOf(rotation, review)} />
      <Table
        caption="When it can end"
        head={['Phase', 'Earliest', 'Latest']}
        none="Nothing is left to wait for."
        rows={plan.map(({ phase, earliestMs, latestMs }) => ({
          key: phase,
          cells: [phase, <Moment at={earliestMs} />, <Moment at={latestMs} />],
        }))}
      />
    </>
  );
}

function Part({ of: { workloads }, part }: { readonly of: Share; readonly part: number }) {
  const percent = workloads === 0 ? 100 : Math.floor((part / workloads) * 100);
  return (
    <>
      <Count of={part} /> <span class="far">{percent} %</span>
    </>
  );
}

function lagOf({ phase }: AnchorRotation, { progress }: ReviewedRotation): Lag {
  if (phase === 'publish') return progress.unaware;
  return phase === 'adopt' ? progress.dependent : progress.holding;
}

function Laggards({ lag: { count, first } }: { readonly lag: Lag }) {
  if (count === 0) return null;
  return (
    <Table
      caption={first.length < count ? `Behind: ${first.length} of ${count}` : `Behind: ${count}`}
      head={['Identity', 'Pod', 'Cluster', 'Why', 'Since', 'Due']}
      none=""
      rows={first.map(({ identity, pod = '–', cluster = '–', why, sinceMs, dueMs }) => ({
        key: `${identity} ${pod} ${cluster}`,
        cells: [
          <Name of={identity} />,
          <Name of={pod} />,
          <Name of={cluster} />,
          <Name of={why} />,
          <Moment at={sinceMs} />,
          <Moment at={dueMs} />,
        ],
      }))}
    />
  );
}
