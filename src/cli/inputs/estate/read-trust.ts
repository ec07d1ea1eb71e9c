// What the finder of rogue CAs is to take for well: the corporate anchors, CAs that an operator knows, and the public web's.
import { publicRoots } from '../../../app/estate/public-roots.ts';
import { readCaCertificate } from '../../../domain/x509/ca-certificate.ts';
import { readPathCertificate, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import type { Trust } from '../../../review/rogue/trust.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput } from '../files.ts';

type Reader = (der: Uint8Array) => PathCertificate | { readonly problem: string };

/** @throws CommandError 2 naming the file that is not certificates, of CAs where they are to be corporate anchors. */
export async function readTrust(roots: readonly string[], known: readonly string[]): Promise<Trust> {
  const others = await certificatesOf(known, readPathCertificate);
  return {
    corporate: await certificatesOf(roots, readCaCertificate),
    others: others.map((certificate) => ({ certificate, as: 'known' })),
    publicRoots: publicRoots(),
  };
}

async function certificatesOf(files: readonly string[], reader: Reader): Promise<readonly PathCertificate[]> {
  const found: PathCertificate[] = [];
  for (const file of files) {
    const blocks = decodePemBlocks(await textOf(file), 'CERTIFICATE');
    if ('problem' in blocks) throw new CommandError(EXIT.unreadable, `${file} ${blocks.problem}`);
    for (const der of blocks) {
      const certificate = reader(der);
      if ('problem' in certificate) throw new CommandError(EXIT.unreadable, `${file}: ${certificate.problem}`);
      found.push(certificate);
    }
  }
  return found;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readInput(file);
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    throw new CommandError(EXIT.unreadable, cause.message, { cause });
  }
}
