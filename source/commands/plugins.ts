import type {PluginFacts} from '../auth/plugins.ts';
import {providerFlag} from '../auth/profile-commands.ts';
import {unknownPlugin} from '../store/plugins.ts';
import {confirmByName} from './ask.ts';
import {type CommandContext, printJson} from './command.ts';
import {textTable} from './text.ts';

/** `plugins list`. */
export async function runPluginsList(context: CommandContext): Promise<number> {
	const plugins = await context.jarvis.plugins();
	if (context.flags.json) {
		printJson(context, plugins);
		return 0;
	}
	if (plugins.length === 0) {
		context.tell('There are no plugins. Add one: jarvis plugins add <folder or package>');
		return 0;
	}
	const rows = plugins.map(({id, label, kind, methods, from, problem}) => [
		id,
		label ?? '–',
		problem === undefined ? (kind ?? '–') : 'out of use',
		methods.join(', ') || '–',
		from,
	]);
	context.print(await textTable(['PLUGIN', 'LABEL', 'KIND', 'METHODS', 'FROM'], rows));
	for (const {id, problem} of plugins) if (problem !== undefined) context.tell(`${id}: ${problem}`);
	return 0;
}

/** `plugins add`. */
export async function runPluginsAdd(context: CommandContext): Promise<number> {
	const [named = ''] = context.arguments;
	const added = await context.jarvis.addPlugin(named, process.cwd());
	if (context.flags.json) printJson(context, {added});
	else {
		for (const plugin of added) context.tell(`Added ${nameOf(plugin)}: ${plugin.methods.join(', ')}.`);
		const [first] = added;
		context.tell(
			`Log in: jarvis models auth login ${first && added.length === 1 ? providerFlag(first.id) : '--provider <id>'}`,
		);
	}
	return 0;
}

/** `plugins remove`: removes a plugin, after asking. */
export async function runPluginsRemove(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [id = ''] = context.arguments;
	const plugins = await jarvis.plugins();
	if (!plugins.some(plugin => plugin.id === id)) {
		throw unknownPlugin(
			id,
			plugins.map(plugin => plugin.id),
		);
	}
	if (!(await confirmByName(context, `This removes the plugin ${id}.`, id))) {
		context.tell('Nothing was removed.');
		return 130;
	}
	await jarvis.removePlugin(id);
	const profiles = await profilesOf(context, id);
	if (context.flags.json) printJson(context, {id, removed: true, profiles});
	else context.tell(`Removed the plugin ${id}.${left(profiles)}`);
	return 0;
}

function nameOf({id, label}: PluginFacts): string {
	return label === undefined ? id : `${label} (${id})`;
}

/** How many profiles there are of a provider, over all agents. */
async function profilesOf({jarvis}: CommandContext, providerId: string): Promise<number> {
	const {agents} = await jarvis.snapshot();
	return agents.flatMap(agent => agent.profiles).filter(({provider}) => provider === providerId).length;
}

function left(profiles: number): string {
	if (profiles === 0) return '';
	return profiles === 1
		? ' One profile is left without a provider: it is kept, and can neither be refreshed nor logged in again.'
		: ` ${profiles} profiles are left without a provider: they are kept, and can neither be refreshed nor logged in again.`;
}
