// How the policies in force compare with those that were reviewed: which commit they are, and field by field what is another.
import type { PolicyDriftSeen } from '../../adapters/http/observation/routes.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { Facts } from '../parts/facts.tsx';
import { Table } from '../parts/table.tsx';
import { Code, Moment, Name, Shown, State } from '../parts/values.tsx';

type Differing = PolicyDriftSeen['policies'][number];

const WORDS: Readonly<Record<Differing['drift'], string>> = {
  missing: 'not in Git',
  extra: 'not in force',
  different: 'different',
};

export function DriftFromGit({ of: drift }: { readonly of: PolicyDriftSeen }) {
  const { count, policies, problem, asOfMs, gitRevision, gitRevisionInForce } = drift;
  const more = count - policies.length;
  return (
    <>
      {problem !== undefined && (
        <p role="alert">
          What should be in force cannot be read, so no drift is noticed: <Shown text={problem} />
        </p>
      )}
      <Table
        caption="Drift from Git"
        head={['Policy', 'How', 'In force', 'In Git']}
        none={
          problem === undefined ? 'What is in force is what should be.' : 'Nothing differed when it could be read last.'
        }
        rows={policies.flatMap(rowsOf)}
      />
      {more > 0 && <p>And {formatCount(more)} more.</p>}
      <Facts
        facts={[
          ['Commit checked out', gitRevision === undefined ? 'not known' : <Code of={gitRevision} />],
          [
            'Commit in force',
            gitRevisionInForce === undefined ? 'none that was seen' : <Code of={gitRevisionInForce} />,
          ],
          ['Compared', <Moment at={asOfMs} />],
        ]}
      />
    </>
  );
}

/** A row for each field that is known to differ, and one for a policy of which none is. */
function rowsOf({ title, drift, fields = [], fieldCount = 0 }: Differing) {
  const how = <State word={WORDS[drift]} tone="warn" />;
  if (fields.length === 0) return [{ key: title, cells: [<Name of={title} />, how, '–', '–'] }];
  const more = fieldCount - fields.length;
  return fields.map(({ field, before, after }, index) => ({
    key: `${title} ${field}`,
    cells: [
      <Name of={field === '' ? title : `${title} ${field}`} />,
      how,
      <Shown text={before} />,
      <Shown text={after} />,
    ],
    ...(more > 0 && index === fields.length - 1 && { below: `And ${formatCount(more)} more fields.` }),
  }));
}
