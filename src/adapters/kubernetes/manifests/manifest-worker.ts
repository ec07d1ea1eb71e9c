// The thread in which large manifests are read: half a second for each megabyte never passes on the server's event
// loop. What is found goes over in parts, each asked for, so that taking it in is no long wait there either.
import { parentPort } from 'node:worker_threads';
import type { ManifestPart, ManifestRequest } from './manifest-thread.ts';
import { readManifestFile } from './read-manifests.ts';
import type { WrittenObjects } from './written-object.ts';

/** Characters of JSON, which take about ten milliseconds to take in; an object alone may have more. */
const PART_LENGTH = 512 * 1024;

let parts: Iterator<ManifestPart, undefined> | undefined;

parentPort?.on('message', (request: ManifestRequest) => {
  if (request.kind === 'read') parts = partsOf(readManifestFile(request.text, request.place));
  parentPort?.postMessage(parts?.next().value);
});

function* partsOf({ objects, ...rest }: WrittenObjects): Generator<ManifestPart, undefined> {
  let begun: string[] = [];
  let length = 0;
  for (const object of objects) {
    const json = JSON.stringify(object);
    begun.push(json);
    length += json.length;
    if (length < PART_LENGTH) continue;
    yield { objects: `[${begun.join()}]` };
    [begun, length] = [[], 0];
  }
  yield { objects: `[${begun.join()}]`, rest };
}
