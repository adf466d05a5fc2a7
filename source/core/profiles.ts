import type {Revocation} from '../auth/revoke.ts';
import {asJarvisError} from '../errors.ts';
import type {NewAgent} from '../store/agents.ts';
import type {World} from './world.ts';

/** Agents and their profiles. */
export function profilesOf({paths, record, secrets, keepInStep, resolveContext, tell}: World) {
	/** Removes what is kept elsewhere of profiles that are gone, which they are whatever comes of this. */
	async function clearUp(): Promise<void> {
		const {dropOrphanedReplies} = await import('../auth/kept-replies.ts');
		await dropOrphanedReplies(paths).catch(error => {
			const {message, next} = asJarvisError(error);
			tell(`A kept reply of its server may be left. ${message} ${next}`);
		});
		await keepInStep();
	}

	return {
		/** Adds an agent. Throws as `addAgent` does. */
		async addAgent(newAgent: NewAgent) {
			const {addAgent} = await import('../store/agents.ts');
			await addAgent(paths, newAgent);
			record('agent_added', {agentId: newAgent.id});
		},

		/** Deletes an agent. Returns how many bindings went with it. Throws as `deleteAgent` does. */
		async deleteAgent(agentId: string): Promise<number> {
			const {deleteAgent} = await import('../store/agents.ts');
			const bindings = await deleteAgent(paths, agentId);
			record('agent_deleted', {agentId});
			await clearUp();
			return bindings;
		},

		/** Makes an agent the default one. Throws as `setDefaultAgent` does. */
		async setDefaultAgent(agentId: string) {
			const {setDefaultAgent} = await import('../store/agents.ts');
			await setDefaultAgent(paths, agentId);
		},

		/**
		 * Ends a profile at its server where that can be asked, and removes it here. Throws `profile_unknown`, and
		 * what the store throws.
		 */
		async logOut(agentId: string, profileId: string): Promise<Revocation> {
			const [{logOut}, {onOwnProfile}] = await Promise.all([
				import('../auth/revoke.ts'),
				import('../auth/owned-elsewhere.ts'),
			]);
			const revocation = await onOwnProfile({paths, agentId, profileId, command: 'models auth logout'}, () =>
				logOut({...resolveContext, agentId, profileId}),
			);
			const note = `at its server: ${revocation.outcome}`;
			record('logout', {agentId, profileId, note});
			await clearUp();
			return revocation;
		},

		/** Removes a profile and its secrets. Throws `profile_unknown`, and what the store throws. */
		async removeProfile(agentId: string, profileId: string) {
			const [{removeProfile}, {onOwnProfile}] = await Promise.all([
				import('../auth/manage.ts'),
				import('../auth/owned-elsewhere.ts'),
			]);
			await onOwnProfile({paths, agentId, profileId, command: 'models auth remove'}, () =>
				removeProfile(paths, agentId, profileId),
			);
			record('removed', {agentId, profileId});
			await clearUp();
		},

		/** Gives a profile another id. Throws as `renameProfile` does. */
		async renameProfile(agentId: string, from: string, to: string) {
			const {renameProfile} = await import('../auth/rename.ts');
			await renameProfile(paths, agentId, from, to);
			record('renamed', {agentId, profileId: from, note: `to ${to}`});
		},

		/** Sets an agent's explicit order of a provider, or takes it away. Throws as `changeOrder` does. */
		async setOrder(agentId: string, providerId: string, ids: readonly string[] | undefined) {
			const {changeOrder} = await import('../auth/manage.ts');
			await changeOrder(paths, agentId, providerId, ids);
			record('order_changed', {agentId, provider: providerId, note: ids?.join(', ') ?? 'taken away'});
		},

		/** The secret of a profile, for a person who asked for it. Throws as `revealSecret` does. */
		async revealSecret(agentId: string, profileId: string): Promise<string> {
			const {revealSecret} = await import('../auth/manage.ts');
			const secret = await revealSecret(paths, secrets, agentId, profileId);
			record('handed_out', {agentId, profileId, note: 'to a person'});
			return secret;
		},
	};
}
