// Signing in by a token, where the configuration has one.
import { $, h, problem } from './dom.js';
import { ask, sentence } from './api.js';

/** @param {() => void} done @param {string} [why] what is said first */
export function login(done, why) {
    const wrong = problem();
    const input = h('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true });
    const button = h('button.btn.primary.wide', { type: 'submit' }, 'Sign in');
    const submit = async (/** @type {Event} */ e) => {
        e.preventDefault();
        const token = input.value.trim();
        if (!token) { wrong.say('Write the token first.'); return input.focus(); }
        button.disabled = true;
        try {
            await ask('POST', '/session', { token });
            input.value = '';
            done();
        } catch (error) {
            wrong.say(sentence(error));
            input.focus();
        } finally {
            button.disabled = false;
        }
    };
    $('#main').replaceChildren(h('section.view.centre.on', h('form.card.login', { novalidate: '', onsubmit: submit },
        h('h1', 'Watchword'), h('p.muted', 'Sign in with a token from whoever runs this machine.'),
        h('label.field', h('span', 'Token'), input), wrong.element, button)));
    $('#top').hidden = true;
    document.title = 'Sign in · Watchword';
    if (why) wrong.say(why);
    input.focus();
}
