// Live certificates that the policies in force would refuse today: how many, whose, and what would pass.
import type { CertificateCounts, CertificatesJudged, RefusedToday } from '../../adapters/http/observation/routes.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { Facts } from '../parts/facts.tsx';
import { Table } from '../parts/table.tsx';
import { Code, Count, Moment, Name, Shown, State } from '../parts/values.tsx';

type Listing = Pick<CertificatesJudged, 'listed'>;

export function RefusedTodayTable({ of: judged }: { readonly of: CertificatesJudged }) {
  const { ahead, progress } = judged;
  return (
    <>
      <Judged caption="Live certificates that policy would refuse today" of={judged} />
      {progress !== undefined && (
        <p>
          All are being judged by revision <Code of={progress.revision} /> since <Moment at={progress.asOfMs} />:{' '}
          {formatCount(progress.entries)} of {formatCount(progress.of)} so far.
        </p>
      )}
      {ahead !== undefined && (
        <Judged
          caption={`Of namespaces that changed their policies since: ${ahead.namespaces.join(', ')}`}
          of={ahead}
        />
      )}
    </>
  );
}

function Judged({ caption, of }: { readonly caption: string; readonly of: CertificateCounts & Listing }) {
  const { live, refused, undecided, leftOut, listed = [], isComplete, revision, asOfMs } = of;
  const more = refused - listed.length;
  return (
    <>
      <Table
        caption={caption}
        head={['Identity', 'Valid until', 'Renewal', 'Why, and what would pass']}
        none={isComplete ? 'None.' : 'None so far.'}
        rows={listed.map(rowOf)}
      />
      {more > 0 && <p>And {formatCount(more)} more.</p>}
      <Facts
        facts={[
          ['Live', <Count of={live} />],
          ['Refused', <Count of={refused} />],
          ['Depend on what is not known of the cluster', <Count of={undecided} />],
          ['Issued without policy, or not on record', <Count of={leftOut} />],
          ['By revision', <Code of={revision} />],
          [isComplete ? 'Begun' : 'Goes on since', <Moment at={asOfMs} />],
        ]}
      />
    </>
  );
}

function rowOf({ identity, serial, notAfterMs, renewable, reason, where, words }: RefusedToday) {
  return {
    key: serial,
    cells: [
      <a href={`/identity?${new URLSearchParams({ identity }).toString()}`}>
        <Name of={identity} />
      </a>,
      <Moment at={notAfterMs} />,
      renewable ? <State word="waived for now" tone="warn" /> : <State word="refused" tone="bad" />,
      <Shown text={`${reason} ${where}: ${words}`} />,
    ],
  };
}
