import type {FoundLogin, FoundLogins} from '../auth/import/find.ts';
import type {ImportHow} from '../auth/import/judge.ts';
import type {TakenLogin} from '../auth/import/take.ts';
import {JarvisError} from '../errors.ts';
import {importHowWords, importStateWord, loginAccount, loginTimeLeft, shortPath} from '../words.ts';
import {chooseOne} from './add.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `import`: takes logins of other programs over, those that are named, or one that the person chooses. */
export async function runImport(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const asked = howAsked(context);
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const found = await jarvis.foundLogins(agentId);
	if (flags.list) return list(context, agentId, found);
	tellProblems(context, found);
	const chosen =
		context.arguments.length > 0 ? named(found, context.arguments) : [await choose(context, found)];
	if (chosen.length > 1 && flags['profile-id'] !== undefined) {
		throw new JarvisError(
			'usage',
			`--profile-id is for one login, and that names ${chosen.length}: ${chosen.map(({id}) => id).join(', ')}.`,
			'Name one of them.',
		);
	}
	const taken: TakenLogin[] = [];
	const refused: JarvisError[] = [];
	for (const login of chosen) {
		const how = asked ?? (await chooseHow(context, login));
		try {
			const profileId = textFlag(context, 'profile-id');
			taken.push(await jarvis.importLogin({agentId, id: login.id, how, profileId}));
		} catch (error) {
			// Of several, one that cannot be taken is in no other one's way.
			if (!(error instanceof JarvisError) || error.code !== 'import_refused' || chosen.length === 1)
				throw error;
			refused.push(error);
		}
	}
	if (taken.length === 0 && refused[0]) throw refused[0];
	if (flags.json)
		printJson(context, {agentId, taken, refused: refused.map(({message, next}) => ({message, next}))});
	else for (const login of taken) tellTaken(context, login);
	if (!flags.json) for (const {message, next} of refused) context.tell(`${message} ${next}`);
	return refused.length > 0 ? 1 : 0;
}

function howAsked({flags}: CommandContext): ImportHow | undefined {
	const given = [flags.adopt, flags.link, flags.list].filter(Boolean).length;
	if (given > 1) {
		throw new JarvisError(
			'usage',
			'Only one of --adopt, --link and --list goes.',
			'See: jarvis import --help',
		);
	}
	return flags.adopt ? 'adopt' : flags.link ? 'link' : undefined;
}

async function list(context: CommandContext, agentId: string, found: FoundLogins): Promise<number> {
	const {jarvis} = context;
	const wanted = context.arguments.length > 0 ? named(found, context.arguments) : found.logins;
	if (context.flags.json) {
		const problems = found.problems.map(({code, message, next}) => ({code, message, next}));
		printJson(context, {agentId, logins: wanted, openclaw: found.openclaw ?? null, problems});
		return 0;
	}
	tellProblems(context, found);
	if (wanted.length > 0) {
		const rows = wanted.map(login => [
			login.id,
			login.provider,
			login.kind,
			loginAccount(login),
			loginTimeLeft(login, jarvis.now()),
			importStateWord[login.state],
			login.state === 'new' || login.state === 'elsewhere' ? '–' : login.profileId,
			shortPath(login.file, jarvis.env.HOME),
		]);
		context.print(
			await textTable(['LOGIN', 'PROVIDER', 'KIND', 'ACCOUNT', 'LEFT', 'HERE', 'PROFILE', 'FILE'], rows),
		);
	} else context.tell('No other program has a login on this machine.');
	if (found.openclaw !== undefined) tellOpenclaw(context, found.openclaw);
	const [first] = wanted.filter(login => waysOf(login).length > 0);
	if (first) context.tell(`Take one over: jarvis import ${first.id} --${waysOf(first)[0]}`);
	return 0;
}

/** The logins of a program, or the one of an id. */
function named({logins}: FoundLogins, words: readonly string[]): readonly FoundLogin[] {
	const chosen = words.flatMap(word => {
		const own = logins.filter(({id, program}) => id === word || program === word);
		if (own.length > 0) return own;
		const known = [...new Set(logins.map(({program}) => program))];
		throw new JarvisError(
			'import_unknown',
			`There is no login ${JSON.stringify(word)} on this machine.`,
			known.length > 0 ? `Found: ${known.join(', ')}. See: jarvis import --list` : 'Nothing was found.',
		);
	});
	return [...new Set(chosen)];
}

async function choose(context: CommandContext, found: FoundLogins): Promise<FoundLogin> {
	if (!context.stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			'Importing asks which login to take, and there is no terminal.',
			'See those that there are: jarvis import --list. Take one: jarvis import codex --link',
		);
	}
	if (found.openclaw !== undefined) tellOpenclaw(context, found.openclaw);
	if (found.logins.length === 0) {
		throw new JarvisError(
			'import_unknown',
			'No other program has a login on this machine.',
			'Log in here: jarvis onboard',
		);
	}
	return chooseOne(context, 'Which login?', found.logins, login => {
		const about = [loginAccount(login), importStateWord[login.state]].filter(text => text !== '–');
		return `${login.label}: ${login.provider} (${about.join(', ')})`;
	});
}

async function chooseHow(context: CommandContext, login: FoundLogin): Promise<ImportHow> {
	const ways = waysOf(login);
	// What the core says of a way that cannot be gone is said there.
	if (ways.length === 0) return 'adopt';
	if (!context.stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			`Whether to adopt or to link ${login.id} is asked, and there is no terminal.`,
			`Say so: jarvis import ${login.id} --${ways.join(' or --')}`,
		);
	}
	for (const how of ['adopt', 'link'] as const) {
		const refusal = login.refusals[how];
		if (refusal !== undefined) context.tell(`It cannot be ${how}ed: ${refusal}.`);
	}
	return chooseOne(context, `Who refreshes the login of ${login.label} from now on?`, ways, how =>
		importHowWords(how, login).join(' '),
	);
}

function waysOf({refusals}: FoundLogin): ImportHow[] {
	return (['adopt', 'link'] as const).filter(how => refusals[how] === undefined);
}

function tellTaken(context: CommandContext, {how, profileId, agentId, file, note}: TakenLogin): void {
	context.print(profileId);
	const done = how === 'adopt' ? `Adopted ${file} as` : `Linked ${file} to`;
	context.tell(`${done} ${profileId} of the agent ${agentId}. ${note}`);
}

function tellProblems(context: CommandContext, {problems}: FoundLogins): void {
	for (const {message, next} of problems) context.tell(`${message} ${next}`);
}

function tellOpenclaw(context: CommandContext, folder: string): void {
	context.tell(`A state folder of openclaw is in ${folder}. It is brought in whole: jarvis import openclaw`);
}
