import {removeCommand, renewCommand} from '../auth/profile-commands.ts';
import type {Provider} from '../auth/providers/contract.ts';
import type {Credential} from '../store/schema.ts';

/** A profile whose secret is to be renewed by a person. */
interface Subject {
	readonly agentId: string;
	readonly profileId: string;
	readonly credential: Pick<Credential, 'type' | 'provider'>;
}

/**
 * How a person gives a profile a new secret of its kind. Where nothing here knows its provider, no login can, and it
 * is said what can.
 */
export function renewAdvice(
	providers: ReadonlyMap<string, Pick<Provider, 'auth'>>,
	{agentId, profileId, credential: {type: kind, provider}}: Subject,
): string {
	const known = providers.get(provider);
	const place = {agentId, profileId};
	if (!known) {
		return `Nothing here knows its provider. Add the plugin again (docs/plugins.md), or remove it: ${removeCommand(place)}`;
	}
	const isTaken = kind !== 'api_key' || known.auth.some(({method}) => method === 'api_key');
	return renewCommand({...place, provider, kind: isTaken ? kind : undefined});
}
