// The keys that lie beside that of an issuer: in its token, in its folder, or in memory.
import { FolderKeys } from '../../../../adapters/upstream/offline/folder-keys.ts';
import { IssuerFolder } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import { MemoryInventory } from '../../../../adapters/upstream/memory/memory-inventory.ts';
import type { Config } from '../../../../config/schema.ts';
import { isInMemory } from '../../../../config/shapes/issuer.ts';
import type { KeyInventory } from '../../../../ports/issuing/key-inventory.ts';
import { publicKeyOf, readFile } from './issuer-key.ts';
import type { Trust } from '../trust.ts';

/** @returns what finds the inventory of an issuer by its name. */
export function keyInventories(
  { issuer, additionalIssuers }: Config,
  { issuers, inMemory }: Pick<Trust, 'issuers' | 'inMemory'>,
): (name: string) => KeyInventory | undefined {
  return (name) => {
    const place = [issuer, ...additionalIssuers].find((one) => one.name === name);
    if (place !== undefined && inMemory !== undefined && isInMemory(place)) return new MemoryInventory(inMemory, name);
    if (place?.directory === undefined) return issuers.inventoryOf(name);
    const spkiOf = async (pem: string, options: { readonly signal: AbortSignal }) => publicKeyOf(place, pem, options);
    return new FolderKeys({ folder: new IssuerFolder(place.directory, readFile), spkiOf });
  };
}
