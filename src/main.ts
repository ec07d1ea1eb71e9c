#!/usr/bin/env node
// Process entry: arguments in, exit code out. The one root signal is born here; the process ends
// when its event loop has nothing left to do.
import process from 'node:process';
import { heedSignals } from './cli/signals.ts';

const argv = process.argv.slice(2);
const worker = argv[0] === 'worker';
const heeded = heedSignals(process, { serving: argv[0] === 'serve' || worker, worker });
// Loaded only now: until a signal is heeded, it would kill the process or open its debugger.
const { runCli } = await import('./cli/program.ts');
process.exitCode = await runCli(argv, heeded);
