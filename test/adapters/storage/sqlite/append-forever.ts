// A child process of the journal's tests: appends until it is killed, and prints the id of each
// record once it is told that the record is durable.
import { randomUUID } from 'node:crypto';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { issued, NEVER } from './records.ts';

const file = process.argv[2]!;
const journal = new SqliteJournal({ clock: new SystemClock(), events: recordEvents() }, { file });
await journal.start({ signal: NEVER });

async function appendForever(): Promise<never> {
  for (;;) {
    const id = randomUUID();
    await journal.append(issued(id), { signal: NEVER });
    // Who reads may be slow: a full pipe is waited for.
    await new Promise((written) => process.stdout.write(`${id}\n`, written));
  }
}

await Promise.all(Array.from({ length: 8 }, appendForever));
