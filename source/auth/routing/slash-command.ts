import {providerOfProfileId} from '../../store/paths.ts';
import {pinOf, type Session, type SessionPatch} from '../../store/sessions.ts';
import {clean} from '../facts.ts';
import type {ModelRef, Problem, ProviderProfile} from './model-ref.ts';

/** A slash command as a line gives it. */
export type SlashCommand =
	| {readonly kind: 'model-status' | 'model-list' | 'model-default' | 'reset' | 'help'}
	| {readonly kind: 'model-set'; readonly ref: string};

export interface SlashCommandSpec {
	readonly kind: SlashCommand['kind'];
	/** What can be typed, as help shows it. */
	readonly usage: readonly string[];
	readonly help: string;
	readonly names: readonly string[];
	/** What may follow the name: one of these, or any text where they are absent. */
	readonly words?: readonly string[];
}

/** All slash commands. Parsing, help and docs are made from this; the first one that fits is meant. */
export const slashCommands: readonly SlashCommandSpec[] = [
	{
		kind: 'model-status',
		usage: ['/model', '/model status'],
		help: 'Shows the model and the profile in use, and why',
		names: ['model'],
		words: ['', 'status'],
	},
	{
		kind: 'model-list',
		usage: ['/model list'],
		help: 'Lists the models and profiles that there are',
		names: ['model'],
		words: ['list'],
	},
	{
		kind: 'model-default',
		usage: ['/model default'],
		help: 'Goes back to the default model, and to profiles by their order',
		names: ['model'],
		words: ['default'],
	},
	{
		kind: 'model-set',
		usage: ['/model <model>[@<profile id>]'],
		help: 'Uses a model (alias or provider/model) from now on, and keeps to a profile if one is named',
		names: ['model'],
	},
	{
		kind: 'reset',
		usage: ['/reset', '/new'],
		help: 'Begins the session anew, without a model or profile of its own',
		names: ['reset', 'new'],
		words: [''],
	},
	{kind: 'help', usage: ['/help'], help: 'Lists these commands', names: ['help'], words: ['']},
];

/**
 * Reads a line as a slash command. Its words are understood in any case, and with a colon behind the name
 * too (`/model: opus`).
 */
export function parseSlashCommand(line: string): SlashCommand | {readonly problem: Problem} {
	const [, name = '', rest = ''] = /^\/([a-z]+)(?:\s*:\s*|\s+|$)(.*)$/is.exec(line.trim()) ?? [];
	const spec = slashCommands.find(
		({names, words}) =>
			names.includes(name.toLowerCase()) && (words === undefined || words.includes(rest.toLowerCase())),
	);
	if (!spec) return {problem: unknownCommand(name.toLowerCase())};
	return spec.kind === 'model-set' ? {kind: spec.kind, ref: rest} : {kind: spec.kind};
}

/** The slash commands, one line each, as `/help` answers. */
export function slashHelp(): string[] {
	const usages = slashCommands.map(({usage}) => usage.join(', '));
	const width = Math.max(...usages.map(usage => usage.length));
	return slashCommands.map(({help}, index) => `${usages[index]?.padEnd(width)}  ${help}`);
}

/** What a command changes in a session, and the sentences that tell the person. */
export interface ModelChange {
	readonly patch: SessionPatch;
	readonly sentences: readonly string[];
}

/**
 * Sets a session's model, and its profile where the reference names one: that is a person's pin. Without
 * one a person's pin of the same provider stays, and every other pin goes.
 * @param session absent where there is none yet
 * @param profiles those that the agent can use: they tell of which provider a pin is
 */
export function applyModel(
	session: Session | undefined,
	{provider, model, profileId, note}: ModelRef,
	profiles: readonly ProviderProfile[],
): ModelChange {
	const chosen = chosenProfile(session);
	const change = (pin: Pick<SessionPatch, 'pin'>, what: string): ModelChange => ({
		patch: {model: {provider, model}, ...pin},
		sentences: [
			`This session uses ${provider}/${model} from now on${what}.`,
			...(note === undefined ? [] : [note]),
		],
	});
	if (profileId !== undefined) {
		const pin = {profileId, source: 'user'} as const;
		return change({pin}, `, with the profile ${clean(profileId)} and no other of ${provider}`);
	}
	if (chosen === undefined) return change({pin: null}, '');
	const owner = providerOf(chosen, profiles);
	if (owner === provider) return change({}, `. It keeps to the profile ${clean(chosen)}, as you chose`);
	const gone = `. It no longer keeps to the profile ${clean(chosen)}, which belongs to ${clean(owner)}`;
	return change({pin: null}, gone);
}

/** Takes a session's own model and its pin away. */
export function applyDefaultModel(session: Session | undefined): ModelChange {
	const chosen = chosenProfile(session);
	const uses = 'This session uses the default model from now on';
	return {
		patch: {model: null, pin: null},
		sentences: [
			chosen === undefined ? `${uses}.` : `${uses}. It no longer keeps to the profile ${clean(chosen)}.`,
		],
	};
}

function providerOf(profileId: string, profiles: readonly ProviderProfile[]): string {
	const present = profiles.find(profile => profile.profileId === profileId);
	return present?.provider ?? providerOfProfileId(profileId);
}

/** The profile that a person chose for a session. */
function chosenProfile(session: Session | undefined): string | undefined {
	const pin = session && pinOf(session);
	return pin?.source === 'user' ? pin.profileId : undefined;
}

function unknownCommand(name: string): Problem {
	const isName = slashCommands.some(({names}) => names.includes(name));
	return {
		code: 'slash_command_unknown',
		message: isName ? `/${name} takes no further words.` : 'There is no such slash command.',
		next: `Those that there are: ${slashCommands.flatMap(({usage}) => usage).join(', ')}.`,
	};
}
