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
	const at = ref.lastIndexOf('@');
	const model = at > 0 ? namedModel(ref.slice(0, at), models) : undefined;
	if (model) {
		const agent = snapshot.agents.find(other => other.id === agentId);
		const ids = agent
			? usableFacts(agent)
					.filter(({provider}) => provider === model.provider)
					.map(({profileId}) => profileId)
			: [];
		return startingWith(
			ids.map(id => `${head}${ref.slice(0, at + 1)}${id}`),
			begun,
		);
	}
	const names = [...models.aliases.keys(), ...models.configured, 'default', 'list', 'status'];
	return startingWith(
		names.map(name => head + name),
		begun,
	);
}

function startingWith(lines: readonly string[], begun: string): string[] {
	const wanted = begun.toLowerCase();
	return [...new Set(lines)].filter(line => line.toLowerCase().startsWith(wanted));
}
