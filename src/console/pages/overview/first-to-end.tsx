// Who would be without a certificate first, if nothing more were issued: those that the outage budget is about.
import type { InventoryAnswer } from '../../../adapters/http/admin/administer-inventory.ts';
import { StateOf } from '../../parts/holder.tsx';
import { Table } from '../../parts/table.tsx';
import { Moment, Name, Shown } from '../../parts/values.tsx';
import { useAnswer } from '../../use-answer.ts';
import { identityAt } from '../identities.tsx';

const SHOWN = 5;
/** The last moment that a date can hold: whoever has an end is in the order of ends. */
const EVER_MS = 8_640_000_000_000_000;

export function FirstToEnd() {
  const { answer, problem } = useAnswer<InventoryAnswer>(`/api/inventory?endsBeforeMs=${EVER_MS}&limit=${SHOWN}`);
  if (answer === undefined) {
    return problem === undefined ? null : (
      <section>
        <h2>{CAPTION}</h2>
        <p class="none">
          <Shown text={problem} />
        </p>
      </section>
    );
  }
  return (
    <Table
      caption={CAPTION}
      head={['Identity', 'State', 'Pod', 'Node', 'Ends']}
      none="Nobody has a certificate."
      rows={answer.rows.map((row) => ({
        key: `${row.identity} ${row.cluster} ${row.podUid ?? ''}`,
        cells: [
          <a href={identityAt(row.identity)}>
            <Name of={row.identity} />
          </a>,
          <StateOf of={row} />,
          <Name of={row.podName ?? '–'} />,
          <Name of={row.nodeName ?? '–'} />,
          <Moment at={row.notAfterMs} />,
        ],
      }))}
    />
  );
}

const CAPTION = 'Who fails first, unless it is renewed';
