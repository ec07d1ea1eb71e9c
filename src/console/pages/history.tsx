// What happened to one identity, newest first: what was decided about it and why, and how its pods ended.
import { formatQuantity } from '../../domain/text/format-count.ts';
import type { ClosingRecord } from '../../ports/storage/closing-journal.ts';
import type { Decided } from '../../review/explain/decided.ts';
import { Table, type Row } from '../parts/table.tsx';
import { Code, Moment, Name, Shown, State } from '../parts/values.tsx';

interface Props {
  readonly decisions: readonly Decided[];
  readonly closings: readonly ClosingRecord[];
}

export function History({ decisions, closings }: Props) {
  const happened = [...decisions.map(decided), ...closings.map(closed)].toSorted((a, b) => b.timeMs - a.timeMs);
  return (
    <Table
      caption="History, newest first"
      head={['What', 'Time', 'Serial or reason', 'Pod', 'Over', 'Authenticated by', 'Issuer']}
      none="Nothing about it is on record."
      rows={happened}
    />
  );
}

interface Happened extends Row {
  readonly timeMs: number;
}

function decided(decision: Decided): Happened {
  const { decisionId, timeMs, outcome, serial, reason = '', count, podName, api } = decision;
  const { authenticationMethod, issuer, explanation, message } = decision;
  return {
    timeMs,
    key: decisionId,
    cells: [
      <State word={outcome} tone={outcome === 'issued' ? 'good' : 'bad'} />,
      <Moment at={timeMs} />,
      <>
        <Code of={serial ?? reason} />
        {count !== undefined && ` ${count} times`}
      </>,
      <Name of={podName ?? '–'} />,
      api,
      authenticationMethod ?? '–',
      <Name of={issuer ?? '–'} />,
    ],
    below: (
      <details>
        <summary>
          Why, of decision <Code of={decisionId} />
        </summary>
        {explanation.length === 0 && <Shown text={message ?? 'Policy was not asked.'} />}
        {explanation.length > 0 && (
          <pre>
            {explanation.map((line, at) => (
              <div key={at}>
                <Shown text={line} />
              </div>
            ))}
          </pre>
        )}
      </details>
    ),
  };
}

/** Its entry may have left the inventory long ago; what is on record of its end has not. */
function closed(closing: ClosingRecord): Happened {
  const { timeMs, podUid, podName, serviceAccountUid = '', cluster, reason, liveCertificates, latestEndMs } = closing;
  return {
    timeMs,
    key: `end ${cluster} ${podUid} ${serviceAccountUid}`,
    cells: [
      <State word="ended" tone="plain" />,
      <Moment at={timeMs} />,
      <>
        <Name of={reason} />
        {liveCertificates > 0 && (
          <div class="quiet">
            {formatQuantity(liveCertificates, 'certificate')} valid then, the last until <Moment at={latestEndMs} />
          </div>
        )}
      </>,
      <Name of={podName} />,
      '–',
      '–',
      '–',
    ],
  };
}
