// How a command talks to the running server: over its administration socket, which only the server's own user
// can open, or over TLS with a client certificate. What the server answers to is in
// `src/adapters/http/admin/administration.ts`.
import { once } from 'node:events';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestOverTls } from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { codeOf } from '../domain/text/system-error.ts';
import { ADMINISTRATION_SOCKET, administrationSocketOf } from '../config/administration-socket.ts';
import { DEV_DATA_DIRECTORY } from '../config/dev.ts';
import { CommandError, EXIT, exitCodeOfRefusal } from './exit-codes.ts';
import { readInput } from './inputs/files.ts';
import { readConfig } from './inputs/read-config.ts';
import type { Invocation, OutputFormat } from './invocation.ts';

export interface ServerOptions {
  readonly config?: string;
  readonly dataDir: string;
  readonly server?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly ca?: string;
}

/** Where a server answers operators. */
export type ServerPlace =
  | {
      readonly socketPath: string;
      /** Nobody named a server: it is the socket of `serve --dev`. */
      readonly unnamed?: true;
    }
  | { readonly url: URL; readonly cert: string; readonly key: string; readonly ca: string };

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
    .option('--data-dir <folder>', 'data directory of the server', DEV_DATA_DIRECTORY)
    .option('--server <url>', 'https URL of the server (listen.administration.address), instead of its socket')
    .option('--client-cert <file>', 'PEM file with the client certificate for --server, and what is above it')
    .option('--client-key <file>', 'PEM file with its private key')
    .option('--ca <file>', 'PEM file with the trust anchors for --server');
}

/** @returns where the server is; nothing when the configuration is invalid, after saying so. @throws CommandError */
export async function serverOf(options: ServerOptions, invocation: Invocation): Promise<ServerPlace | undefined> {
  const { config, dataDir, server } = options;
  if (server !== undefined) return remoteServer(server, options);
  if (config === undefined)
    return {
      socketPath: path.join(dataDir, ADMINISTRATION_SOCKET),
      ...(dataDir === DEV_DATA_DIRECTORY && { unnamed: true }),
    };
  const read = readConfig(config, invocation);
  return read && { socketPath: administrationSocketOf(read) };
}

async function remoteServer(server: string, { clientCert, clientKey, ca }: ServerOptions): Promise<ServerPlace> {
  const url = URL.parse(server);
  if (url?.protocol !== 'https:') throw new CommandError(EXIT.usage, '--server is not an https URL');
  if (clientCert === undefined || clientKey === undefined || ca === undefined)
    throw new CommandError(EXIT.usage, '--server needs --client-cert, --client-key and --ca');
  return { url, cert: await readInput(clientCert), key: await readInput(clientKey), ca: await readInput(ca) };
}

/** As gRPC names them (google.rpc.Code says which of HTTP is which; a conflict is a state in which the act is not done). */
const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'FAILED_PRECONDITION',
  413: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/**
 * @returns the body of the answer, which is of this project's own server: the caller knows its shape.
 * @throws CommandError `unavailable` when no server answers there, otherwise with the server's own words.
 */
export async function askServer(server: ServerPlace, question: Question, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(server, question, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
  const body = bodyOf(await text(answer));
  if (answer.statusCode === 200 || answer.statusCode === 202) return body;
  const message = errorIn(body) ?? `the server answered ${String(answer.statusCode)}`;
  throw new CommandError(exitCodeOfRefusal({ status: STATUS[answer.statusCode ?? 0] ?? '', message }), message);
}

async function ask(server: ServerPlace, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, path: page, body } = question;
  const headers = { 'content-type': 'application/json' };
  const options: RequestOptions = { method, path: page, headers, signal };
  try {
    const asked =
      'socketPath' in server
        ? request({ ...options, socketPath: server.socketPath, headers: { ...headers, host: 'localhost' } })
        : requestOverTls(server.url, { ...options, ...tlsOf(server), agent: false });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response', { signal })) as [IncomingMessage];
    return answer;
  } catch (cause) {
    const place = 'socketPath' in server ? server.socketPath : server.url.origin;
    const hint = 'unnamed' in server && codeOf(cause) === 'ENOENT' ? NAME_IT : '';
    throw new CommandError(EXIT.unavailable, `${place}: ${problemOf(cause, method)}${hint}`, { cause });
  }
}

function tlsOf({ cert, key, ca }: Extract<ServerPlace, { url: URL }>) {
  return { cert, key, ca, minVersion: 'TLSv1.3' } as const;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket; is the server running?',
  ECONNREFUSED: 'no server listens there',
  EACCES: "it may not be opened by this user: run this as the server's own",
};

const NAME_IT = ' (name another server by its configuration, --config FILE, or by its address, --server URL)';

function problemOf(cause: unknown, method: Question['method']): string {
  const code = codeOf(cause);
  const known = code === undefined ? undefined : PROBLEMS[code];
  if (known !== undefined) return known;
  const silent = code === undefined ? 'the server does not answer' : `the server does not answer (${code})`;
  return method === 'GET' ? silent : `${silent}; what was asked for may be done: look before you ask again`;
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

export interface Printed extends ServerOptions {
  readonly output: OutputFormat;
}

/**
 * Asks, and prints the answer in the form that was chosen.
 * @param print is given the answer as the server's route gives it. Not called for JSON.
 * @throws as `askServer`.
 */
export async function asked(
  options: Printed,
  question: Question,
  print: (answer: never) => void,
  invocation: Invocation,
): Promise<void> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const answer = await askServer(server, question, invocation.signal);
  if (options.output === 'json') invocation.terminal.printJson(answer);
  else print(answer as never);
}
