import type {Provider} from '../auth/providers/contract.ts';
import {shellWord} from '../errors.ts';
import {isProviderId} from '../store/paths.ts';
import type {Credential} from '../store/schema.ts';

/** A profile whose secret is to be renewed by a person. */
interface Subject {
	readonly agentId: string;
	readonly profileId: string;
	readonly credential: Pick<Credential, 'type' | 'provider'>;
}

/**
 * The command by which a person gives a profile a new secret of its kind. Where nothing here knows its provider, no
 * login can, and it is said what can.
 */
export function renewCommand(
	providers: ReadonlyMap<string, Pick<Provider, 'auth'>>,
	{agentId, profileId, credential: {type, provider}}: Subject,
): string {
	const known = providers.get(provider);
	const of = `--agent ${agentId} --profile-id ${shellWord(profileId)}`;
	if (!known) {
		return `Nothing here knows its provider. Add the plugin again (docs/plugins.md), or remove it: jarvis models auth remove ${shellWord(profileId)} --agent ${agentId}`;
	}
	// A bare login takes the provider's first way, which may be none for this kind.
	const takesKeys = type === 'api_key' && known.auth.some(({method}) => method === 'api_key');
	if (takesKeys) return `jarvis models auth login --provider ${provider} --method api-key ${of}`;
	return `jarvis models auth ${type === 'token' ? 'paste-token' : 'login'} --provider ${provider} ${of}`;
}

/** A provider of a file as it is typed behind `--provider`: it may be called anything there. */
export function providerWord(provider: string): string {
	return isProviderId(provider) ? provider : shellWord(provider);
}
