// The thread that reads the journal as evidence of trust, page by page for each reading: going through a hundred thousand workloads
// takes a second or more, which neither requests nor the server's event loop wait for.
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkloadEvidence } from '../../../../domain/trust/rotation/evidence.ts';
import { SlotEvidence } from '../../slots/slot-evidence.ts';
import type { ThreadAnswer } from '../answering-thread.ts';
import { journalProblem } from '../file/journal-problem.ts';
import type { EvidencePage, EvidenceRequest } from './evidence-protocol.ts';

interface Reading {
  readonly journals: SlotEvidence;
  readonly pages: Iterator<readonly WorkloadEvidence[], void>;
}

/** Workloads of a page, and how long one is gathered for: the event loop takes it in within some milliseconds. */
const PAGE = 500;
const GATHERED_FOR_MS = 100;

const file = workerData as string;
const readings = new Map<number, Reading>();

parentPort?.on('message', (request: EvidenceRequest) => parentPort?.postMessage(answer(request)));

function answer(request: EvidenceRequest): ThreadAnswer<EvidencePage> {
  try {
    return { ok: true, value: perform(request) };
  } catch (cause) {
    if (request.kind === 'page') end(request.reading);
    const { kind, message } = journalProblem(file, cause);
    return { ok: false, kind, problem: message };
  }
}

function perform(request: EvidenceRequest): EvidencePage {
  if (request.kind === 'page') return page(request.reading, request.nowMs);
  if (request.kind === 'lastIssued') return lastIssued(request.beforeMs);
  if (request.kind === 'end') end(request.reading);
  else {
    for (const reading of readings.keys()) end(reading);
    parentPort?.close();
  }
  return { workloads: [], isLast: true };
}

function page(id: number, nowMs: number): EvidencePage {
  const reading = readings.get(id) ?? begin(id, nowMs);
  const workloads: WorkloadEvidence[] = [];
  const untilMs = performance.now() + GATHERED_FOR_MS;
  while (workloads.length < PAGE && performance.now() < untilMs) {
    const next = reading.pages.next();
    if (next.done === true) {
      end(id);
      return { workloads, isLast: true };
    }
    workloads.push(...next.value);
  }
  return { workloads, isLast: false };
}

function lastIssued(beforeMs: number): EvidencePage {
  using journals = new SlotEvidence(file);
  return { workloads: [], isLast: true, lastIssuedMs: journals.lastIssuedMs(beforeMs) };
}

function begin(id: number, nowMs: number): Reading {
  const journals = new SlotEvidence(file);
  const reading = { journals, pages: journals.liveWorkloads(nowMs) };
  readings.set(id, reading);
  return reading;
}

function end(id: number): void {
  readings.get(id)?.journals[Symbol.dispose]();
  readings.delete(id);
}
