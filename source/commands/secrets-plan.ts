import {resolve} from 'node:path';
import type {SecretMove} from '../auth/secrets/move.ts';
import {isSamePlace, type PlaceFacts, type SecretPlace} from '../auth/secrets/places.ts';
import type {SecretsPlan} from '../auth/secrets/plan.ts';
import {isRefId, refKey} from '../auth/secrets/refs.ts';
import {JarvisError, shellWord} from '../errors.ts';
import {type SecretRef, type SecretSource, secretSources} from '../store/schema.ts';
import {readSecretsConfig, secretProviderName, secretProviderOf} from '../store/secrets-config.ts';
import {askLine, chooseOne} from './add.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {placesNamed, tellMoves} from './secrets-move.ts';

/** `secrets configure`: plans where secrets go, by flags or by asking for each. */
export async function runSecretsConfigure(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const to = textFlag(context, 'to');
	const moves = to === undefined ? await askForMoves(context) : await movesNamed(context, to);
	if (moves.length === 0) {
		context.tell('Nothing was planned.');
		return 0;
	}
	const file = planFile(context);
	const plan = await jarvis.planSecrets(moves, file);
	if (flags.json) printJson(context, {plan: file, secrets: plan.map(({place, to}) => ({...place, to}))});
	else {
		for (const line of planLines(plan)) context.print(line);
		const named = flags.plan === undefined ? '' : ` --plan ${shellWord(file)}`;
		context.tell(
			`Planned, and nothing changed yet. See what it would do: jarvis secrets apply${named} --dry-run`,
		);
	}
	return 0;
}

/** `secrets apply`: carries a plan out, and removes it when all of it is done. */
export async function runSecretsApply(context: CommandContext): Promise<number> {
	const dryRun = context.flags['dry-run'] === true;
	tellMoves(context, await context.jarvis.applySecretsPlan({dryRun}, planFile(context)), dryRun);
	return 0;
}

function planFile(context: CommandContext): string {
	const named = textFlag(context, 'plan');
	return named === undefined ? context.jarvis.paths.secretsPlan : resolve(named);
}

function planLines(plan: SecretsPlan): string[] {
	return plan.map(({place, to}) => {
		return `${place.profileId} (${place.agentId}) → ${to === 'seal' ? 'the keychain' : refKey(to)}`;
	});
}

async function movesNamed(context: CommandContext, to: string): Promise<SecretMove[]> {
	const target = targetNamed(to);
	const places = await placesNamed(context);
	if (places.length === 0) throw usage('Name the secrets that are to go there.');
	if (places.length > 1 && target !== 'seal')
		throw usage(`${to} is one secret: name one that is to go there.`);
	return places.map(place => ({place, to: target}));
}

/** Where a person says that a secret goes: `keychain`, or a ref as it is told everywhere. */
function targetNamed(text: string): SecretMove['to'] {
	if (text === 'keychain') return 'seal';
	const [, source, provider = '', id = ''] = /^([^:]+):([^:]+):(.+)$/s.exec(text) ?? [];
	const known = secretSources.find(name => name === source);
	if (!known || !secretProviderName.test(provider) || !isRefId({source: known, id})) {
		throw usage(`${JSON.stringify(text)} is neither keychain nor <source>:<provider>:<id>.`);
	}
	return {source: known, provider, id};
}

async function askForMoves(context: CommandContext): Promise<SecretMove[]> {
	const {jarvis} = context;
	const all = await jarvis.secretPlaces();
	const plain = all.filter(({isPlain}) => isPlain);
	if (plain.length === 0 && context.arguments.length === 0) {
		context.tell('No API key and no token is in plain text.');
		return [];
	}
	if (!context.stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			'Where each secret is to go is asked, and there is no terminal.',
			'Say it: jarvis secrets configure <profile-id> --to keychain',
		);
	}
	const named = await placesNamed(context);
	const chosen = named.length === 0 ? plain.map(({place}) => place) : named;
	const choices = await targetChoices(context);
	const moves: SecretMove[] = [];
	for (const place of chosen) {
		const question = `Where is the secret of ${wordsOf(place, all)} to go?`;
		const choice = await chooseOne(context, question, choices, ({label}) => label);
		if (choice.target === 'stay') continue;
		moves.push({place, to: choice.target === 'seal' ? 'seal' : await askForRef(context, choice.target)});
	}
	return moves;
}

interface TargetChoice {
	readonly label: string;
	readonly target: 'seal' | 'stay' | Omit<SecretRef, 'id'>;
}

async function targetChoices({jarvis}: CommandContext): Promise<TargetChoice[]> {
	const config = await readSecretsConfig(jarvis.paths);
	const known = [...config.providers].flatMap(([name, provider]) => {
		if (typeof provider === 'string') return [];
		if (provider.source === 'keychain' && provider.service === undefined) return [];
		return [{source: provider.source, provider: name}];
	});
	// The environment is there without being configured, unless its name means another provider.
	const environment = {source: 'env' as const, provider: 'default'};
	const isPlain = typeof secretProviderOf(config, environment) !== 'string';
	const isConfigured = known.some(({source}) => source === 'env');
	return [
		{label: 'the keychain: it is encrypted under a key there', target: 'seal'},
		...[...(isPlain && !isConfigured ? [environment] : []), ...known].map(target => ({
			label: `${sourceWords[target.source]} (${target.provider}), which has it already`,
			target,
		})),
		{label: 'leave it in the file', target: 'stay'},
	];
}

const sourceWords: Readonly<Record<SecretSource, string>> = {
	env: 'a variable of the environment',
	file: 'a file',
	exec: 'a program',
	keychain: 'an item of the keychain',
};

async function askForRef(context: CommandContext, target: Omit<SecretRef, 'id'>): Promise<SecretRef> {
	for (;;) {
		const id = await askLine(context, `Its id in ${target.provider}: `);
		if (isRefId({...target, id})) return {...target, id};
		context.tell(`That is no id of ${target.source} (docs/secrets.md).`);
	}
}

function wordsOf(place: SecretPlace, all: readonly PlaceFacts[]): string {
	const known = all.find(facts => isSamePlace(facts.place, place));
	return `${place.profileId} (${place.agentId})${known?.isPlain ? '' : ', which is not in the file,'}`;
}

function usage(message: string): JarvisError {
	return new JarvisError(
		'usage',
		message,
		'For example: jarvis secrets configure anthropic:work --to env:default:ANTHROPIC_API_KEY',
	);
}
