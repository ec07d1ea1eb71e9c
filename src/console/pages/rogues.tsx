// CAs that should not be there, as the server's own look found them: where each lies, who made it, who uses it, how it comes home.
import type { RogueAnswer } from '../../adapters/http/admin/records/administer-rogues.ts';
import type { ServerFindings } from '../../app/estate/reported-look.ts';
import type { RogueStatus } from '../../authority/estate/rogue-watch.ts';
import type { NotRead } from '../../review/rogue/found.ts';
import type { IssuerData, PlaceData, RogueData } from '../../review/rogue/rogue-data.ts';
import { WithAnswer } from '../parts/answered.tsx';
import { Choice, Filters, Text } from '../parts/filters.tsx';
import { Table, type Row } from '../parts/table.tsx';
import { Code, Moment, Name, Shown, Span, State } from '../parts/values.tsx';
import { goTo, withChoice } from '../route.ts';
import { useAnswer } from '../use-answer.ts';
import type { PageProps } from './pages.tsx';

const KINDS: Readonly<Record<string, string>> = {
  'rogue/self-signed-ca': 'self-signed CA',
  'rogue/foreign-ca': 'CA under no corporate anchor',
  'rogue/path-length': 'CA where none may be',
  'rogue/self-signed-leaf': 'self-signed certificate',
  'rogue/foreign-leaves': 'certificate under no corporate anchor',
  'rogue/self-signed-issuer': 'self-signing issuer',
};
const ALL = 'all';

export function RoguesPage({ address }: PageProps) {
  const chosen = (name: string): string => address.query.get(name) ?? '';
  const choose = (name: string) => (value: string) => goTo(withChoice(address, { [name]: value === ALL ? '' : value }));
  const wanted = { kind: chosen('kind'), text: chosen('text') };
  const rogues = useAnswer<RogueAnswer<ServerFindings>>('/api/rogue');
  return (
    <>
      <Filters>
        <Choice label="What" value={wanted.kind || ALL} of={[ALL, ...Object.values(KINDS)]} onChoice={choose('kind')} />
        <Text label="Name or place" value={wanted.text} onText={choose('text')} />
      </Filters>
      <WithAnswer
        of={rogues}
        show={(answer) => (answer.configured ? <Looked of={answer} wanted={wanted} /> : <NotLooking />)}
      />
    </>
  );
}

function NotLooking() {
  return (
    <p>
      This server does not look for them. With <code>rogue.cluster: withoutSecrets</code> in its configuration it looks
      through its cluster, with <code>all</code> at Secrets too, and with <code>rogue.paths</code> through files and
      directories; the chart gives its account the rights that this needs.
    </p>
  );
}

interface Wanted {
  readonly kind: string;
  readonly text: string;
}

function Looked({
  of: { looked, problem, everyMs },
  wanted,
}: {
  readonly of: RogueStatus<ServerFindings>;
  readonly wanted: Wanted;
}) {
  return (
    <>
      {problem !== undefined && (
        <p role="alert">
          The last look failed <Moment at={problem.atMs} />: <Shown text={problem.why} />.
        </p>
      )}
      {looked === undefined ? (
        <p class="none">No look has come to its end yet.</p>
      ) : (
        <>
          <p class="as-of">
            Looked through {looked.findings.lookedThrough.join(' and ')} <Moment at={looked.endedMs} />, and again every{' '}
            <Span of={everyMs} />.
          </p>
          <Found of={looked.findings} wanted={wanted} />
          <NotLookedAt of={looked.findings.notRead} />
        </>
      )}
    </>
  );
}

function Found({ of: { found, issuers, hidden }, wanted }: { readonly of: ServerFindings; readonly wanted: Wanted }) {
  const all = [...found.map(certificateRow), ...issuers.map(issuerRow)];
  const shown = all.filter(({ kind, text }) => {
    return (wanted.kind === '' || kind === wanted.kind) && text.toLowerCase().includes(wanted.text.toLowerCase());
  });
  return (
    <>
      <Table
        caption="CAs that should not be there"
        head={['Name', 'What', 'State', 'Key', 'Where', 'Ends']}
        none={all.length === 0 ? 'Nothing was found that should not be there.' : 'Nothing of it fits what is chosen.'}
        rows={shown.map(({ row }) => row)}
      />
      {hidden > 0 && <p class="as-of">{hidden} more were found and are left out: capstan rogue lists them all.</p>}
    </>
  );
}

interface Filtered {
  readonly kind: string;
  /** By which it is found. */
  readonly text: string;
  readonly row: Row;
}

function certificateRow(rogue: RogueData): Filtered {
  const { id, subject, sha256, severity, privateKey, places, placeCount, notAfter } = rogue;
  const kind = KINDS[id] ?? id;
  const [first] = places;
  const where = first === undefined ? '' : placeOf(first);
  return {
    kind,
    text: [subject, sha256, ...places.map(placeOf)].join('\n'),
    row: {
      key: sha256,
      cells: [
        <Name of={subject} />,
        kind,
        severity === 'error' ? <State word="valid" tone="bad" /> : <State word="expired" tone="warn" />,
        privateKey ? <State word="beside it" tone="bad" /> : 'not found',
        <>
          <Name of={where} />
          {placeCount > 1 && <div class="far">and {placeCount - 1} more</div>}
        </>,
        <Moment at={Date.parse(notAfter)} />,
      ],
      below: (
        <>
          <Home of={rogue} />
          <details>
            <summary>Who made it, and who uses it</summary>
            <p>
              SHA-256 <Code of={sha256} />
            </p>
            {places.map((place) => (
              <PlaceLines key={placeOf(place)} of={place} />
            ))}
          </details>
        </>
      ),
    },
  };
}

function issuerRow(issuer: IssuerData): Filtered {
  const { id, name, madeBy, usedBy } = issuer;
  const kind = KINDS[id] ?? id;
  return {
    kind,
    text: name,
    row: {
      key: name,
      cells: [<Name of={name} />, kind, <State word="valid" tone="bad" />, '–', 'the cluster', '–'],
      below: (
        <>
          <Home of={issuer} />
          <details>
            <summary>Who made it, and who uses it</summary>
            <Hands madeBy={madeBy} usedBy={usedBy} />
          </details>
        </>
      ),
    },
  };
}

function Home({ of: { why, bringHome } }: { readonly of: { readonly why: string; readonly bringHome: string } }) {
  return (
    <>
      <p class="to-pass">
        <b>Why:</b> <Shown text={why} />
      </p>
      <p class="to-pass">
        <b>Bring home:</b> <Shown text={bringHome} />
      </p>
    </>
  );
}

function PlaceLines({ of: place }: { readonly of: PlaceData }) {
  const { privateKey, madeBy, usedBy = [] } = place;
  return (
    <div>
      <p>
        <Name of={placeOf(place)} />
        {privateKey !== undefined && (
          <>
            , private key: <Name of={privateKey} />
          </>
        )}
      </p>
      <Hands madeBy={madeBy} usedBy={usedBy} />
    </div>
  );
}

function Hands({ madeBy, usedBy }: { readonly madeBy: string | undefined; readonly usedBy: readonly string[] }) {
  return (
    <ul>
      {madeBy !== undefined && (
        <li>
          made by <Name of={madeBy} />
        </li>
      )}
      {usedBy.map((user) => (
        <li key={user}>
          used by <Name of={user} />
        </li>
      ))}
    </ul>
  );
}

function NotLookedAt({ of: notRead }: { readonly of: readonly NotRead[] }) {
  return (
    <Table
      caption="Not looked at"
      head={['Why', 'What', 'How many']}
      numbers={[2]}
      none="Everything that was to be looked at was."
      rows={notRead.map(({ why, count, examples }) => ({
        key: why,
        cells: [
          <Shown text={why} />,
          examples.map((what) => (
            <div key={what}>
              <Name of={what} />
            </div>
          )),
          count,
        ],
      }))}
    />
  );
}

function placeOf({ kind, place, part }: PlaceData): string {
  return [place, part].filter((one) => one !== '').join(kind === 'file' ? '/' : ' ');
}
