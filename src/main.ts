#!/usr/bin/env node
// Process entry: arguments in, exit code out. The one root signal is born here; the process ends
// when its event loop has nothing left to do.
import process from 'node:process';
import { runCli } from './cli/program.ts';

const root = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => root.abort(new Error(name)));

process.exitCode = await runCli(process.argv.slice(2), { signal: root.signal });
