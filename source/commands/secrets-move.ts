import type {MovedSecret, Moves} from '../auth/secrets/move.ts';
import type {SecretPlace} from '../auth/secrets/places.ts';
import {refKey} from '../auth/secrets/refs.ts';
import {JarvisError} from '../errors.ts';
import {confirmByName} from './ask.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';

/** `secrets seal`: encrypts secrets under a key in the keychain, and leaves refs in the files. */
export async function runSecretsSeal(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const places = flags.all ? await plainPlaces(context) : await placesNamed(context);
	if (places.length === 0) {
		if (!flags.all) throw usage('Name a profile, or say --all.', 'jarvis secrets seal <profile-id>');
		if (flags.json) printJson(context, {secrets: [], copies: {rewritten: [], removed: []}});
		else context.tell('No API key and no token is in plain text.');
		return 0;
	}
	const dryRun = flags['dry-run'] === true;
	const moves = await jarvis.moveSecrets(
		places.map(place => ({place, to: 'seal' as const})),
		{dryRun},
	);
	tellMoves(context, moves, dryRun);
	return 0;
}

/** `secrets unseal`: puts sealed secrets back into the files, after asking. */
export async function runSecretsUnseal(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const places = await placesNamed(context);
	const names = places.map(({profileId}) => profileId).join(' ');
	const question = `This puts the secret of ${names} into the file again, in plain text.`;
	if (!(await confirmByName(context, question, names))) {
		context.tell('Nothing was changed.');
		return 130;
	}
	await jarvis.putSecretsBack(places);
	if (flags.json) printJson(context, {secrets: places.map(place => ({...place, outcome: 'unsealed'}))});
	else context.tell(`In plain text again: ${names}.`);
	return 0;
}

/** `secrets prune`: removes sealed secrets that no file names, and with `--copies` what backups alone hold; after asking. */
export async function runSecretsPrune(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const isOfCopies = flags.copies === true;
	const question = isOfCopies
		? 'This removes the sealed secrets for good that no file and no backup names, and takes the secrets out of the backups that the files have no more: a profile that was removed cannot be brought back from one then.'
		: 'This removes the sealed secrets for good that no file and no backup names.';
	if (!(await confirmByName(context, question, 'prune'))) {
		context.tell('Nothing was removed.');
		return 130;
	}
	const copies = isOfCopies ? await jarvis.pruneCopies() : [];
	const {removed, kept} = await jarvis.pruneSealed();
	if (flags.json) printJson(context, {removed, kept, ...(isOfCopies ? {copies} : {})});
	else {
		const all = [...removed, ...copies.map(file => `secrets in ${file}`)];
		context.tell(all.length === 0 ? 'There was nothing to remove.' : `Removed ${all.join(', ')}.`);
		if (kept.length > 0) context.tell(`Kept, as a backup names them: ${kept.join(', ')}.`);
	}
	return 0;
}

/** The places that the words of a command name. */
export async function placesNamed(context: CommandContext): Promise<SecretPlace[]> {
	const agentId = await context.jarvis.agent(textFlag(context, 'agent'));
	return context.arguments.map(profileId => ({agentId, profileId}));
}

/** Tells what was moved, or would be; as JSON that is the data. */
export function tellMoves(context: CommandContext, moves: Moves, dryRun: boolean): void {
	if (context.flags.json) {
		printJson(context, {...(dryRun ? {dryRun} : {}), ...moves});
		return;
	}
	for (const secret of moves.secrets) context.print(wordsOf(secret, dryRun));
	if (dryRun) {
		context.tell('Nothing was changed.');
		return;
	}
	const {rewritten, removed} = moves.copies;
	for (const file of rewritten) context.tell(`Also taken out of ${file}.`);
	for (const file of removed) context.tell(`Removed ${file}, which held it too.`);
}

async function plainPlaces(context: CommandContext): Promise<SecretPlace[]> {
	const {jarvis, flags} = context;
	if (context.arguments.length > 0)
		throw usage('--all means every secret: name none.', 'jarvis secrets seal --all');
	const named = flags.agent === undefined ? undefined : await jarvis.agent(textFlag(context, 'agent'));
	return (await jarvis.secretPlaces())
		.filter(({isPlain, place}) => isPlain && (named === undefined || place.agentId === named))
		.map(({place}) => place);
}

function wordsOf({place, outcome, ref}: MovedSecret, dryRun: boolean): string {
	const where = ref ? refKey(ref) : 'the keychain';
	const did = outcome === 'already' ? 'is in' : dryRun ? 'would go to' : '→';
	return `${place.profileId} (${place.agentId}) ${did} ${where}${outcome === 'already' ? ' already' : ''}`;
}

function usage(message: string, command: string): JarvisError {
	return new JarvisError('usage', message, `For example: ${command}`);
}
