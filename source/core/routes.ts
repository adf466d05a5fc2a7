import type {PluginFacts} from '../auth/plugins.ts';
import type {ListedBinding} from '../auth/routing/bindings.ts';
import {agentIds} from '../auth/snapshot.ts';
import type {MatchWords} from '../store/bindings.ts';
import {readConfig} from '../store/config.ts';
import {mainAgentId} from '../store/paths.ts';
import type {World} from './world.ts';

/** Where messages go, and the plugins. */
export function routesOf({paths, record}: World) {
	return {
		/** All plugins, those that are out of use with the reason. Loads no code of them. */
		async plugins(): Promise<PluginFacts[]> {
			const {listPlugins} = await import('../auth/plugins.ts');
			return listPlugins(paths);
		},

		/**
		 * Adds a plugin: a folder, a file or a package, relative to `cwd`. A module is loaded once, to ask what it
		 * offers. Returns what was added. Throws as `addPlugin` does.
		 */
		async addPlugin(named: string, cwd: string): Promise<PluginFacts[]> {
			const {addPlugin} = await import('../auth/plugins.ts');
			const added = await addPlugin(paths, named, cwd);
			for (const {id} of added) record('plugin_added', {provider: id});
			return added;
		},

		/** Removes a plugin; its profiles stay. Throws `plugin_unknown`, and what the store throws. */
		async removePlugin(id: string) {
			const {removePlugin} = await import('../store/plugins.ts');
			await removePlugin(paths, id);
			record('plugin_removed', {provider: id});
		},

		/** All bindings, those that are out of use with the reason. Throws as `readConfig` does. */
		async bindings(): Promise<ListedBinding[]> {
			const {listBindings} = await import('../auth/routing/bindings.ts');
			const config = await readConfig(paths);
			return listBindings(config, agentIds(paths, config));
		},

		/** Binds messages to an agent. Throws as `matchOf` and `bind` do. */
		async bind(agentId: string, words: MatchWords) {
			const {bind, matchOf} = await import('../store/bindings.ts');
			const match = matchOf(words);
			return {match, outcome: await bind(paths, agentId, match)};
		},

		/** Takes a binding of an agent away, or all that it has. Throws as `matchOf` and `unbind` do. */
		async unbind(agentId: string, words: MatchWords | 'all') {
			const {matchOf, unbind} = await import('../store/bindings.ts');
			const match = words === 'all' ? undefined : matchOf(words);
			return {match, removed: await unbind(paths, agentId, match)};
		},

		/** Which agent a message is for, and why. Throws as `matchOf` and `readConfig` do. */
		async route(words: MatchWords) {
			const [{matchOf}, {routeOf}] = await Promise.all([
				import('../store/bindings.ts'),
				import('../auth/routing/bindings.ts'),
			]);
			const from = matchOf(words);
			const config = await readConfig(paths);
			const agents = agentIds(paths, config);
			return {from, ...routeOf(config, {agents, defaultAgent: config.defaultAgent ?? mainAgentId}, from)};
		},

		/** The channels with the ids of their accounts. Throws as `readConfig` does. */
		async channels(): Promise<ReadonlyMap<string, readonly string[]>> {
			const {channelsOf} = await import('../auth/routing/bindings.ts');
			return channelsOf(await readConfig(paths));
		},
	};
}
