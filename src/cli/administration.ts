// How a command talks to the running server: over its administration socket, which only the server's own user
// can open. What the server answers to is in `src/adapters/http/admin/administration.ts`.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { codeOf } from '../domain/text/system-error.ts';
import { ADMINISTRATION_SOCKET, administrationSocketOf } from '../config/administration-socket.ts';
import { DEV_DATA_DIRECTORY } from '../config/dev.ts';
import { CommandError, EXIT, exitCodeOfRefusal } from './exit-codes.ts';
import { readConfig } from './inputs/read-config.ts';
import type { Invocation } from './invocation.ts';

export interface ServerOptions {
  readonly config?: string;
  readonly dataDir: string;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  /** As the server's route spells it, with its query. */
  readonly path: string;
  /** Goes out as JSON. */
  readonly body?: unknown;
}

/** A server that does not answer in this time is asked no longer. */
const ANSWER_WITHIN_MS = 10_000;

/** The options that say which server is meant. */
export function serverOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the server')
    .option('--data-dir <folder>', 'data directory of the server', DEV_DATA_DIRECTORY);
}

/** @returns the path of the server's socket; nothing when the configuration is invalid, after saying so. */
export function socketOf({ config, dataDir }: ServerOptions, invocation: Invocation): string | undefined {
  if (config === undefined) return path.join(dataDir, ADMINISTRATION_SOCKET);
  const read = readConfig(config, invocation);
  return read && administrationSocketOf(read);
}

/**
 * @returns the body of the answer, which is of this project's own server: the caller knows its shape.
 * @throws CommandError `unavailable` when no server answers there, otherwise with the server's own words.
 */
export async function askServer(socketPath: string, question: Question, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(socketPath, question, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
  const body = bodyOf(await text(answer));
  if (answer.statusCode === 200) return body;
  const message = errorIn(body) ?? `the server answered ${String(answer.statusCode)}`;
  throw new CommandError(exitCodeOfRefusal({ status: '', message }), message);
}

async function ask(socketPath: string, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, path: page, body } = question;
  const headers = { host: 'localhost', 'content-type': 'application/json' };
  const asked = request({ socketPath, method, path: page, headers, signal });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  try {
    const [answer] = (await once(asked, 'response', { signal })) as [IncomingMessage];
    return answer;
  } catch (cause) {
    throw new CommandError(EXIT.unavailable, `${socketPath}: ${problemOf(cause)}`, { cause });
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket; is the server running?',
  ECONNREFUSED: 'no server listens there',
  EACCES: "it may not be opened by this user: run this as the server's own",
};

function problemOf(cause: unknown): string {
  const code = codeOf(cause);
  return code === undefined ? 'the server does not answer' : (PROBLEMS[code] ?? `the server does not answer (${code})`);
}

function bodyOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Not ours; the status says what there is to say.
    return undefined;
  }
}

function errorIn(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : undefined;
}
