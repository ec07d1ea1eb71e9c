// Bodies within a bound, whether their length is said before or not. hono/body-limit has the same in mind, and takes no body of unsaid
// length from @hono/node-server unless that puts its own Request in the place of the global one.
import type { Context, MiddlewareHandler } from 'hono';

/** Answers 413 for more bytes, and 400 for a body that breaks off. What comes behind finds the body as always. */
export function boundedBody(maxBytes: number): MiddlewareHandler {
  return async (c, next) => {
    const { raw, url, method } = c.req;
    const said = c.req.header('content-length');
    if (said !== undefined && Number(said) > maxBytes) return tooLarge(c);
    if (raw.body === null) return next();
    let body: Uint8Array<ArrayBuffer> | undefined;
    try {
      body = await readWithin(maxBytes, raw.body);
    } catch {
      return c.json({ error: 'the request broke off' }, 400);
    }
    if (body === undefined) return tooLarge(c);
    c.req.raw = new Request(url, { method, headers: raw.headers, body });
    return next();
  };
}

function tooLarge(c: Context): Response {
  return c.json({ error: 'the request is too large' }, 413);
}

/** @returns nothing when there is more. @throws whatever broke it off. */
async function readWithin(
  maxBytes: number,
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
