import type {AuthMethod, Provider} from './contract.ts';

/** Where repositories are: their tokens are for git, and for the programs that ask their APIs. */
interface GitHostRow {
	readonly id: string;
	readonly label: string;
	readonly aliases?: readonly string[];
	readonly env: readonly string[];
	readonly hosts: readonly string[];
	/** What a token goes with as a password; one that the server does not look at where it takes any. */
	readonly username: string;
	/** Where tokens are made. */
	readonly madeAt: string;
	/** Answers 200 to a token that works. */
	readonly probe: string;
}

const rows: readonly GitHostRow[] = [
	{
		id: 'github',
		label: 'GitHub',
		aliases: ['gh'],
		env: ['GH_TOKEN', 'GITHUB_TOKEN'],
		hosts: ['github.com', 'gist.github.com'],
		username: 'x-access-token',
		madeAt: 'https://github.com/settings/tokens',
		probe: 'https://api.github.com/user',
	},
	{
		id: 'gitlab',
		label: 'GitLab',
		env: ['GITLAB_TOKEN'],
		hosts: ['gitlab.com'],
		username: 'oauth2',
		madeAt: 'https://gitlab.com/-/user_settings/personal_access_tokens',
		probe: 'https://gitlab.com/api/v4/user',
	},
];

function tokenMadeAt(madeAt: string): AuthMethod {
	return {method: 'token', label: 'personal access token', hint: `Made at ${madeAt}.`, madeAt};
}

/** The providers of the table. */
export const gitHosts: readonly Provider[] = rows.map(row => ({
	id: row.id,
	label: row.label,
	...(row.aliases ? {aliases: row.aliases} : {}),
	origin: 'built in',
	env: row.env,
	git: {hosts: row.hosts, username: row.username},
	auth: [tokenMadeAt(row.madeAt)],
	probes: [{url: row.probe}],
}));

const hostName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$/;

/**
 * The provider that a host is by itself: a server of GitHub Enterprise, whose logins gh keeps under the host's name
 * (docs/import.md). Of anything but a host there is none. The variables are those of gh(1): a subdomain of ghe.com goes
 * by those of github.com too.
 */
export function enterpriseServer(host: string): Provider | undefined {
	if (!hostName.test(host)) return undefined;
	const env = [
		...(host.endsWith('.ghe.com') ? ['GH_TOKEN', 'GITHUB_TOKEN'] : []),
		...['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN'],
	];
	return {
		id: host,
		label: `GitHub Enterprise (${host})`,
		origin: 'built in',
		env,
		envKinds: Object.fromEntries(env.map(name => [name, ['token']])),
		envBeside: {GH_HOST: host},
		git: {hosts: [host], username: 'x-access-token'},
		auth: [tokenMadeAt(`https://${host}/settings/tokens`)],
	};
}
