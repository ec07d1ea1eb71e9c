// A child process of the journal's tests: opens the journal, says so, and holds it until it is killed.
import { writeSync } from 'node:fs';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { issued, NEVER } from './records.ts';

const file = process.argv[2]!;
const journal = new SqliteJournal({ clock: new SystemClock(), events: recordEvents() }, { file });
await journal.start({ signal: NEVER });
await journal.append(issued('held'), { signal: NEVER });
writeSync(1, 'held\n');
