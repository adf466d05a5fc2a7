import {namedModel} from '../auth/routing/decision.ts';
import {slashCommands} from '../auth/routing/slash-command.ts';
import {usableFacts} from '../auth/snapshot.ts';
import type {UiState} from './state.ts';

/**
 * The lines that what is typed may become: commands, then models and aliases, and profiles behind an `@`.
 * @param agentId the agent whose profiles can be named
 */
export function commandCompletions({snapshot}: UiState, agentId: string, begun: string): string[] {
	const {models} = snapshot.config;
	const [, head = '', ref] = /^(\/model[: ]\s*)(.*)$/i.exec(begun) ?? [];
	if (ref === undefined) {
		return startingWith(
			slashCommands.flatMap(({usage}) => usage.filter(line => !line.includes('<'))),
			begun,
		);
	}
	const agent = snapshot.agents.find(other => other.id === agentId);
	const facts = agent ? usableFacts(agent) : [];
	// Models and the ids of profiles may hold an @ themselves, so any of them may begin the profile.
	const pinned = [...ref.matchAll(/@/g)].flatMap(({index}) => {
		const model = namedModel(ref.slice(0, index), models);
		return facts
			.filter(({provider}) => provider === model?.provider)
			.map(({profileId}) => `${ref.slice(0, index + 1)}${profileId}`);
	});
	const names = [...models.aliases.keys(), ...models.configured, 'default', 'list', 'status'];
	return startingWith(
		[...pinned, ...names].map(name => head + name),
		begun,
	);
}

function startingWith(lines: readonly string[], begun: string): string[] {
	const wanted = begun.toLowerCase();
	return [...new Set(lines)].filter(line => line.toLowerCase().startsWith(wanted));
}
