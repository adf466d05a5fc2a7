import type {AgentCredentials} from '../store/schema.ts';

/** All secrets of an agent's file, to be compared and shown to nobody. */
export function allSecrets({profiles}: AgentCredentials): string[] {
	return [...profiles.values()].flatMap(credential => {
		const secrets =
			credential.type === 'oauth'
				? [credential.access, credential.refresh]
				: [credential.type === 'token' ? credential.token : credential.key];
		return secrets.filter(secret => secret !== undefined);
	});
}
