import type {CredentialKind} from '../../store/schema.ts';

/**
 * The id of a pasted secret that nobody names: `<provider>:default`, else one with the kind in it.
 * @param isTaken tells of an id whether it is kept for something else
 */
export function secretId(
	provider: string,
	kind: CredentialKind,
	isTaken: (profileId: string) => boolean,
): string {
	const names = ['default', kind, ...Array.from({length: 99}, (_, index) => `${kind}-${index + 2}`)];
	const name = names.find(candidate => !isTaken(`${provider}:${candidate}`));
	return `${provider}:${name ?? 'default'}`;
}
