// What it costs to issue while everything is seen: one server keeps its inventory, signs heads of its journal and gives them to a witness,
// shows its console to somebody who has the overview open, and is scraped; another does nothing of all this.
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inventoryFileOf } from '../../../../src/adapters/storage/inventory/sqlite/inventory-file.ts';
import { Visitor } from '../../../app/operating/console/support/visitor.ts';
import { createRoot, issueLeaf } from '../../../peers/support/pki.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { inTurn, type Benchmark, type Context } from '../../benchmark.ts';
import { row } from '../../measurement.ts';
import { startCapstan, type Capstan } from '../../servers.ts';
import { drive, type Calls } from './calls.ts';

const NAME = 'e2e.kept.p256.visible';
/** What issuing may cost more. */
const MOST = 1.03;
const YARDSTICK = `nothing of it; at least ${(1 / MOST).toFixed(2)}`;
const HEAD_EVERY = '10s';
const SCRAPED_EVERY_MS = 3_000;
const VIEWER = 'URI:spiffe://corp.example/ops/vera';
/** What the overview asks for when it is told to look. */
const ASKED = ['/api/overview', '/api/issuers', '/api/inventory?endsBeforeMs=8640000000000000&limit=10'];
/** An inventory that far behind has taken in all of a round. */
const CURRENT_S = 4;

export const visibilityBenchmark: Benchmark = {
  rows: [NAME, `${NAME}.rate`, `${NAME}.p50`, `${NAME}.p99`],
  needsGo: true,
  run: async (context) => {
    await using seen = await startSeen(context);
    await using unseen = await startUnseen(context);
    const measured = await inTurn(context.rounds, {
      on: async () => {
        const calls = await drive(context, seen.server, 'kept');
        // What it has not taken in yet must not cost the other side.
        await seen.isCurrent();
        return calls;
      },
      off: async () => drive(context, unseen, 'kept'),
    });
    const compare = (suffix: string, unit: string, of: (calls: Calls) => number) =>
      row(NAME + suffix, unit, measured.on.map(of), { name: YARDSTICK, values: measured.off.map(of) });
    return [
      compare('', 'us CPU/call', (calls) => calls.cpuMicrosPerCall),
      compare('.rate', 'calls/s', (calls) => calls.perSecond),
      compare('.p50', 'ms', (calls) => calls.p50Ms),
      compare('.p99', 'ms', (calls) => calls.p99Ms),
    ];
  },
};

interface Seen extends AsyncDisposable {
  readonly server: Capstan;
  /** Resolves once the inventory has all that was issued. */
  readonly isCurrent: () => Promise<void>;
}

async function startSeen({ material }: Context): Promise<Seen> {
  const place = (name: string): string => path.join(material.folder, name);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyFile = place('visible-heads-key.pem');
  await writeFile(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const people = await createRoot('People of the Corporation');
  const { chainPem: cert, keyPem: key } = await issueLeaf(people, { uri: VIEWER.replace('URI:', '') });
  await writeFile(place('people.pem'), people.certificatePem);
  const port = await freePort();
  const server = await startCapstan(material, {
    streams: 0,
    audit: { keyFile, headEvery: HEAD_EVERY, witness: { file: place('visible-witness.jsonl') } },
    listen: {
      console: { address: `127.0.0.1:${port}` },
      administration: { clientCaFile: place('people.pem'), roles: { viewer: [VIEWER] } },
    },
  });
  const ending = new AbortController();
  const visitor = new Visitor(`https://localhost:${port}`, {
    ca: await readFile(material.roots, 'utf8'),
    shown: { cert, key },
  });
  await eventually('the console lets her in', async () => isSignedIn(visitor), { withinMs: 30_000 });
  const watched = Promise.all([watch(visitor, ending), scrape(server, ending)]);
  // Told at the end: a bench that breaks off here would leave its servers behind.
  watched.catch(() => undefined);
  return {
    server,
    isCurrent: async () => {
      while (!((await ageOf(server)) < CURRENT_S)) await sleep(SCRAPED_EVERY_MS);
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await server[Symbol.asyncDispose]();
      await watched;
    },
  };
}

/** A folder is where its inventory would be, so that it keeps none and only tries, every five seconds. */
async function startUnseen({ material }: Context): Promise<Capstan> {
  const store = path.join(material.folder, 'unseen.sqlite');
  await mkdir(inventoryFileOf(store));
  return startCapstan(material, { streams: 0, journal: { store } });
}

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.post('/login/certificate', {}).catch(() => undefined))?.status === 200;
}

/** As a browser with the overview open. */
async function watch(visitor: Visitor, { signal }: AbortController): Promise<void> {
  const live = await visitor.ask('GET', '/api/live');
  signal.addEventListener('abort', () => live.destroy());
  try {
    for await (const chunk of live) {
      if (!String(chunk).includes('event: look')) continue;
      for (const target of ASKED) {
        const answer = await visitor.get(target);
        if (answer.status !== 200) throw new Error(`${target}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

async function scrape(server: Capstan, { signal }: AbortController): Promise<void> {
  while (!signal.aborted) {
    await metricsOf(server);
    await sleep(SCRAPED_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns how old the inventory is, in seconds; NaN while that is not known. */
async function ageOf(server: Capstan): Promise<number> {
  return Number(/^capstan_inventory_age_seconds\S* (\S+)/m.exec(await metricsOf(server))?.[1]);
}

async function metricsOf({ httpAddress }: Capstan): Promise<string> {
  return (await fetch(`http://${httpAddress}/metrics`)).text();
}
