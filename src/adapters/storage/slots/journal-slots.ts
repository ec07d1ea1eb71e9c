// Which SQLite journals one store consists of. Several processes do not share a journal's writer, so each writes one of its
// own, by the number of its slot; what all of them recorded is read as one. A state file beside the journal lists all that
// were ever written, so that none is out of sight after a change of the number of processes, and none that is lost goes
// unnoticed. Without a state file there is the one journal of a single process.
import { existsSync } from 'node:fs';
import { parseJson } from '../../../domain/text/parse-json.ts';
import { openForWriting } from '../sqlite/file/journal-file.ts';
import { JournalLock, lockFileOf } from '../sqlite/file/journal-lock.ts';
import { JournalProblem } from '../sqlite/file/journal-problem.ts';
import { readSmallFile, replaceSmallFile } from './small-file.ts';

/** More processes than a machine has cores. */
export const MAX_SLOTS = 1_024;

const HEAD = { apiVersion: 'capstan.dev/v1alpha1', kind: 'JournalSlots' } as const;

interface JournalSlots {
  /** Whether the store's own file was ever written, by a single process. */
  readonly single: boolean;
  /** The highest number of a slot that was ever written, up to MAX_SLOTS; the others are all below it. */
  readonly slots: number;
}

/** The files of a store by who writes them. */
export interface SlotPlan {
  /** Each by one of the processes, in the order of their slots. */
  readonly written: readonly string[];
  /** Of earlier numbers of processes: read, and kept only as long as their records. */
  readonly left: readonly string[];
}

/** @param file the store's. @param slot 1 and up; nothing for a process that is alone. */
export function slotFile(file: string, slot?: number): string {
  return slot === undefined ? file : `${file}.${slot}`;
}

/** The state file of a store. */
export function slotsFileOf(file: string): string {
  return `${file}.slots`;
}

/**
 * @param file the store's.
 * @returns all journals of the store that were begun, in the order of their slots; its own file where there is no state.
 * @throws JournalProblem of kind `file` when there is a state that cannot be read or is of a newer version, or none where
 *   several processes recorded.
 */
export function journalsOf(file: string): readonly string[] {
  const state = readState(file);
  if (state !== undefined) return filesOf(file, state).filter(wasBegun);
  demandList(file);
  return [file];
}

/**
 * @returns the journals that the slots of so many processes write, and those of every slot there ever was.
 * @throws JournalProblem as `journalsOf`.
 */
export function slotsOf(file: string, processes: number): readonly string[] {
  return numbered(file, Math.max(processes, readState(file)?.slots ?? 0));
}

/**
 * Notes, durably, which journals so many processes write, and makes those that are new, before the first of them is
 * written. Whoever calls it holds the lock of `file`.
 * @param processes 1 for the single process without slots.
 * @param begun whether there are records in `file` itself, as its lock knows.
 * @throws JournalProblem as `journalsOf`, and when a journal is in the way that the state does not know.
 */
export function planSlots(file: string, processes: number, begun: boolean): SlotPlan {
  const known = readState(file);
  if (known === undefined) demandList(file);
  if (processes === 1 && known === undefined) return { written: [file], left: [] };
  const before = known ?? stateOf(file, processes, begun);
  const state = {
    single: before.single || processes === 1,
    slots: Math.max(before.slots, processes === 1 ? 0 : processes),
  };
  if (known?.single !== state.single || known.slots !== state.slots) writeState(file, state);
  const written = processes === 1 ? [file] : numbered(file, processes);
  const left = filesOf(file, state).filter((journal) => !written.includes(journal));
  // The single process makes its own when it opens it, as ever.
  for (const journal of numbered(file, state.slots)) if (!wasBegun(journal)) makeJournal(journal);
  return { written, left };
}

/** Of a store that has had a single process so far. */
function stateOf(file: string, processes: number, begun: boolean): JournalSlots {
  const stray = numbered(file, processes).find(wasBegun);
  if (stray !== undefined) throw unlisted(file, stray);
  return { single: begun, slots: 0 };
}

/** Without the list, what several processes recorded would be out of sight. A copy that somebody put there has no lock. */
function demandList(file: string): void {
  const first = slotFile(file, 1);
  if (existsSync(lockFileOf(first))) throw unlisted(file, first);
}

function unlisted(file: string, stray: string): JournalProblem {
  const what = `there is a journal ${stray}, and no ${slotsFileOf(file)} that lists it`;
  return new JournalProblem('file', `${what}; restore the list, or move ${stray} and its .lock file away`);
}

function filesOf(file: string, { single, slots }: JournalSlots): readonly string[] {
  return [...(single ? [file] : []), ...numbered(file, slots)];
}

function numbered(file: string, slots: number): readonly string[] {
  return Array.from({ length: slots }, (_, index) => slotFile(file, index + 1));
}

/** A journal that is lost is still known to its lock, and to be missed. */
function wasBegun(journal: string): boolean {
  return existsSync(journal) || existsSync(lockFileOf(journal));
}

/** An empty one, so that whoever reads the store finds all of its journals. */
function makeJournal(journal: string): void {
  using lock = JournalLock.take(journal);
  openForWriting(journal, false).close();
  lock.begin();
  lock.end();
}

function readState(file: string): JournalSlots | undefined {
  const text = readSmallFile(slotsFileOf(file));
  if (text === undefined) return undefined;
  const state = stateFrom(parseJson(text));
  if (state !== undefined) return state;
  const what = `${slotsFileOf(file)} is no list of journals that this Capstan knows`;
  throw new JournalProblem('file', `${what}; restore it, or run the newer Capstan that wrote it`);
}

/** By hand: the thread that reads a journal starts sooner without the library of schemas. */
function stateFrom(value: unknown): JournalSlots | undefined {
  const { apiVersion, kind, single, slots } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (apiVersion !== HEAD.apiVersion || kind !== HEAD.kind || typeof single !== 'boolean') return undefined;
  return Number.isInteger(slots) && Number(slots) >= 0 && Number(slots) <= MAX_SLOTS
    ? { single, slots: Number(slots) }
    : undefined;
}

function writeState(file: string, state: JournalSlots): void {
  replaceSmallFile(slotsFileOf(file), `${JSON.stringify({ ...HEAD, ...state })}\n`);
}
