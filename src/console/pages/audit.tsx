// What operators did to the server, as it is on record.
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Table } from '../parts/table.tsx';
import { Moment, Name, State } from '../parts/values.tsx';
import { useAnswer } from '../use-answer.ts';

interface OperationsAnswer {
  readonly asOfMs: number;
  readonly operations: readonly OperationRecord[];
}

export function AuditPage() {
  const operations = useAnswer<OperationsAnswer>('/api/operations');
  return <WithAnswer of={operations} show={(answer) => <Operations of={answer.operations} />} />;
}

function Operations({ of }: { readonly of: readonly OperationRecord[] }) {
  return (
    <>
      <Table
        caption="Operations, newest first"
        head={['Operation', 'Outcome', 'Time', 'On', 'By', 'Reason', 'Before', 'After']}
        none="Nobody did anything that is on record."
        rows={of.map(({ operation, timeMs, was, is, details }, at) => ({
          key: `${timeMs} ${at}`,
          cells: [
            <Name of={operation} />,
            <Outcome of={details} />,
            <Moment at={timeMs} />,
            <Name of={details?.target ?? '–'} />,
            <Name of={byWhom(details)} />,
            <Name of={details?.reason ?? '–'} />,
            <Name of={was === '' ? '–' : was} />,
            <Name of={is === '' ? '–' : is} />,
          ],
        }))}
      />
      <p class="as-of">The newest 200; all of them: capstan journal operations.</p>
    </>
  );
}

function Outcome({ of: details }: { readonly of: OperationRecord['details'] }) {
  if (details?.refused === undefined) return <State word="done" tone="good" />;
  const times = details.count === undefined ? '' : `, ${details.count} times`;
  return (
    <>
      <State word={`refused${times}`} tone="bad" /> <Name of={details.refused} />
    </>
  );
}

function byWhom(details: OperationRecord['details']): string {
  if (details === undefined) return '–';
  const { actor, role, approvedBy } = details;
  return approvedBy === undefined ? `${actor} (${role})` : `${actor} (${role}), approved by ${approvedBy}`;
}
