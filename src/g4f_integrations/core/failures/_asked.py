"""Whether the user asked for the very text that looks like a failure: judged by the user's own words."""

from __future__ import annotations

import re

from g4f_integrations.core.events import Outcome

_HEAD, _TAIL = 4000, 16_000  # of the conversation: what it is about, and what was asked last

_TEXT_WANTED = re.compile(
    r"(?:\b(?:write|draft|compose|create|generate|make|design|give|show|say|print|output|return|reply|respond|answer"
    r"|complete|invent|mock|simulate|produce|display|send|add|need|want|example|sample|what|which|name|list)\b"
    r"[^\n]{0,100}\b(?:messages?|notices?|errors?|pages?|responses?|text|status|banners?|warnings?|alerts?|codes?|repl(?:y|ies)"
    r"|string|sentence|phrase|wording|json|html|object|payload|body|ad|slogan|announcement|template|example|log)\b)"
    r"|\b(?:translat|rephras|paraphras|summari[sz]|proofread|quote|repeat|echo|verbatim|exactly|what does|what is meant"
    r"|mean(?:s|ing)?\b|defin|spell|copy|correct|reword|formal|polite|say )"
    r"|翻译|翻譯|重复|重複|写一|写个|生成|输出|回复|说|意思|文案|示例|例子|提示"
    r"|перевед|перевест|напиши|повтори|скажи|выведи|значит|сгенерир|текст"
    r"|tradu|escrib|repit|d[ií] |[ée]cri|r[ée]p[èe]t|[üu]bersetz|schreib|wiederhol|sag |scrivi|ripeti|escrev|repet|翻訳|書いて|번역|써 ?줘"
)
_TOPICS: dict[str, re.Pattern[str]] = {
    kind: re.compile(source)
    for kind, source in {
        "rate_limit": r"rate.?limit|too many|\b429\b|throttl|limit|quota|slow down|限流|限制|频繁|频率|лимит|запрос|l[ií]mite|zu viele|anfrage|too (?:fast|often)",
        "quota": r"quota|limit|credit|\b402\b|payment|billing|allowance|balance|额度|余额|配额|квот|баланс|лимит",
        "overloaded": r"\b50[0-9]\b|server|busy|overload|unavailable|outage|crash|maintenance|something went wrong|error|繁忙|服务|系统|сервер|ошибк|servidor|serveur|fehler|erreur",
        "auth": r"log.?in|sign.?in|auth|\b40[13]\b|api.?key|token|session|account|登录|登陆|密钥|вход|войти|войд|авториз",
        "blocked": r"block|\bban|captcha|\b403\b|access|\bip\b|cloudflare|challenge|verif|unusual|abuse|封|验证|异常|заблок|доступ",
        "model_not_found": r"\b404\b|not found|model|exist|模型|модел",
        "context_length": r"too long|length|limit|context|长|длин",
        "content_filter": r"policy|filter|moderat|block|flag|violat|敏感|违规",
        "timeout": r"time.?out|\b408\b|\b504\b|超时",
        "notice": r"notice|deprecat|announce|banner|\bads?\b|advert|slogan|promo|discontinu|shut",
        "bad_request": r"\b400\b|bad request|invalid",
        "network": r"network|connection|offline",
    }.items()
}
_ANY_TOPIC = re.compile(r"\berrors?\b|status code|\bhttp\b|错误|ошибк|fehlermeldung|mensaje de error|message d.erreur")
_PAGE_WANTED = re.compile(
    r"html|web ?page|web ?site|landing page|\bpages?\b|\bcss\b|template|front-?end|网页|页面|网站|сайт|страниц|p[áa]gina|\bseite|webseite"
)
_PAGE_TOPIC = re.compile(
    r"error page|\b[45]\d\d\b|nginx|apache|cloudflare|captcha|turnstile|challenge|log.?in|sign.?in|maintenance|access denied"
    r"|just a moment|unavailable|forbidden|not found|bad gateway|time-?out|firewall|waf|bot (?:check|detect)|spa\b|react|vue|vite"
)
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _bounded(prompt: str) -> str:
    text = prompt if len(prompt) <= _HEAD + _TAIL else f"{prompt[:_HEAD]}\n{prompt[-_TAIL:]}"
    return text.lower().replace("\u2019", "'")


def _shingles(text: str) -> set[str]:
    """Runs of three words (of four signs in scripts without spaces) of a short text."""
    signs = "".join(_HAN.findall(text))
    if len(signs) >= 4:
        return {signs[place : place + 4] for place in range(len(signs) - 3)}
    words = _WORD.findall(text)
    size = min(3, len(words))
    return {" ".join(words[place : place + size]) for place in range(len(words) - size + 1)} if size else set()


def holds_text(prompt: str, text: str) -> bool:
    """Whether at least half of the short `text` stands in the prompt, word for word."""
    wanted = _shingles(text[:600].lower().replace("\u2019", "'"))
    if not wanted:
        return False
    lowered = _bounded(prompt)
    signs = "".join(_HAN.findall(lowered))
    given = signs if _HAN.search(next(iter(wanted))) else f" {' '.join(_WORD.findall(lowered))} "
    return sum(piece in given for piece in wanted) * 2 >= len(wanted)


def asks_for(prompt: str, kind: Outcome, text: str) -> bool:
    """Whether the user's words ask for a text such as `text`, a notice of that kind."""
    lowered = _bounded(prompt)
    topic = _TOPICS.get(kind)
    if _TEXT_WANTED.search(lowered) and (
        _ANY_TOPIC.search(lowered) or (topic is not None and topic.search(lowered) is not None)
    ):
        return True
    return holds_text(prompt, text)


def asks_for_page(prompt: str, *, certain: bool) -> bool:
    """Whether the user's words ask for such a page; a page with certain marks must be asked for by its subject."""
    lowered = _bounded(prompt)
    if certain:
        return _PAGE_TOPIC.search(lowered) is not None
    return _PAGE_WANTED.search(lowered) is not None or _PAGE_TOPIC.search(lowered) is not None
