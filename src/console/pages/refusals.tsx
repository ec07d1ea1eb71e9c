// What was refused lately, by its causes: each with why, and what would pass.
import type { LatelyRefused } from '../../adapters/http/admin/records/administer-records.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { REASONS } from '../../domain/reasons.ts';
import type { RefusalGroup } from '../../review/explain/refusal-groups.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Choice, Filters, Text } from '../parts/filters.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { Code, Count, Moment, Name, Shown } from '../parts/values.tsx';
import { goTo, withChoice } from '../route.ts';
import { useAnswer } from '../use-answer.ts';
import type { PageProps } from './pages.tsx';

const SPANS = ['15m', '1h', '24h', '7d', '30d'] as const;

export function RefusalsPage({ address }: PageProps) {
  const chosen = (name: string): string => address.query.get(name) ?? '';
  const since = chosen('since') || '1h';
  const refused = useAnswer<LatelyRefused<RefusalGroup>>(`/api/refusals?since=${encodeURIComponent(since)}`);
  const choose = (name: string) => (value: string) => goTo(withChoice(address, { [name]: value }));
  const wanted = { reason: chosen('reason'), namespace: chosen('namespace'), rule: chosen('rule') };
  return (
    <>
      <Filters>
        <Choice label="Since" value={since} of={SPANS} onChoice={choose('since')} />
        <Text label="Reason" value={wanted.reason} onText={choose('reason')} />
        <Text label="Namespace" value={wanted.namespace} onText={choose('namespace')} />
        <Text label="Policy or rule" value={wanted.rule} onText={choose('rule')} />
      </Filters>
      <WithAnswer of={refused} show={(answer) => <Groups of={answer} wanted={wanted} />} />
    </>
  );
}

interface Wanted {
  readonly reason: string;
  readonly namespace: string;
  readonly rule: string;
}

function Groups({
  of: { groups, sinceMs, hidden },
  wanted,
}: {
  readonly of: LatelyRefused<RefusalGroup>;
  readonly wanted: Wanted;
}) {
  const found = groups.filter((group) => fits(group, wanted));
  return (
    <>
      <Table
        caption="Refusals by cause"
        head={['Reason', 'Namespace', 'Policy and rule', 'Refusals', 'Identities', 'Last']}
        numbers={[3]}
        none={groups.length === 0 ? 'Nothing was refused in that time.' : 'Nothing of it fits what is chosen.'}
        rows={found.map(rowOf)}
      />
      <p class="as-of">
        Records were looked at back to {formatTime(sinceMs)}
        {hidden > 0 && `; ${hidden} causes with fewer refusals are left out`}.
      </p>
    </>
  );
}

function fits(group: RefusalGroup, { reason, namespace, rule }: Wanted): boolean {
  return (
    group.reason.toLowerCase().includes(reason.toLowerCase()) &&
    (group.namespace ?? '').includes(namespace) &&
    (group.rule ?? '').includes(rule)
  );
}

function rowOf(group: RefusalGroup): Row {
  const { reason, namespace, rule, count, lastMs, firstMs, identities } = group;
  const more = identities.count - identities.first.length;
  return {
    key: `${reason} ${namespace ?? ''} ${rule ?? ''}`,
    cells: [
      <>
        <Code of={reason} /> {meaningOf(reason)}
      </>,
      namespace === undefined ? '–' : <Name of={namespace} />,
      rule === undefined ? '–' : <Name of={rule} />,
      <Count of={count} />,
      <>
        {identities.first.map((identity) => (
          <div key={identity}>
            <Name of={identity} />
          </div>
        ))}
        {more > 0 && `and ${more} more`}
      </>,
      <>
        <Moment at={lastMs} />
        {firstMs < lastMs && <div class="far">first {formatTime(firstMs)}</div>}
      </>,
    ],
    below: <Why of={group} />,
  };
}

function Why({ of: { latest } }: { readonly of: RefusalGroup }) {
  const { toPass, explanation, message, decisionId } = latest;
  return (
    <>
      {toPass.map((change) => (
        <p key={change} class="to-pass">
          <b>To pass:</b> <Shown text={change} />
        </p>
      ))}
      {explanation.length === 0 ? (
        <p class="to-pass">
          The caller was told: <Shown text={message} />
        </p>
      ) : (
        <details>
          <summary>
            Why, of decision <Code of={decisionId} />
          </summary>
          <pre>
            {explanation.map((line, at) => (
              <div key={at}>
                <Shown text={line} />
              </div>
            ))}
          </pre>
        </details>
      )}
    </>
  );
}

export function meaningOf(reason: string): string {
  return (REASONS as Readonly<Record<string, { readonly text: string } | undefined>>)[reason]?.text ?? '';
}
