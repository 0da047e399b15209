"""Whether a prompt is in another language than the model was taught, and whether it then says no to something.

Words that English has too are left out: what is listed proves that a prompt is not English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.generator.language.words import word_set

_WORDS = word_set(
    # German, Dutch
    "ein eine einen einem einer eines der das dem und mit ohne füge fuege hinzu bitte auf unter neben ist nicht "
    "zeichne kein keine keinen keinem roter rote rotes roten kleiner kleine kleines großer große großes hund katze "
    "vogel baum blume een het voeg naast zonder geen niet rode kleine hond kat vogel bloem "
    # French
    "un une le les du des et avec sans dans ajoute ajouter ajoutez dessine oiseau chien arbre fleur coccinelle rouge "
    "petit petite est pas "
    # Spanish, Portuguese
    "una unos unas el los las con sin añade anade añadir agrega pon dibuja pequeño pequeña rojo roja perro gato pájaro "
    "árbol um uma com sem adicione adicionar coloque desenhe pequeno vermelho vermelha cachorro pássaro árvore "
    # Italian
    "uno il gli nel nella sul sulla aggiungi aggiungere disegna metti piccolo piccola rosso rossa gatto uccello albero "
    "fiore "
    # Scandinavian, Polish, Czech, Turkish, Indonesian, Romanian, Hungarian, Finnish
    "ett och och med utan lägg och hund katt fågel træ og uden dodaj małego kota psa ptaka přidej bir ve ekle kırmızı "
    "tambahkan seekor și adaugă egy és adj lisää ja"
)

_REFUSING = word_set(
    # German, Dutch
    "kein keine keinen keinem keiner keines ohne nicht entferne entfernen entfernt lösche löschen loesche weglassen "
    "wegnehmen verschwinden weg zonder geen niet verwijder verwijderen wis weghalen "
    # French
    "sans pas enlève enlever enlevez enleve supprime supprimer supprimez retirer retirez efface effacer aucun aucune "
    "jamais non rien "
    # Spanish, Portuguese
    "sin ningún ningun ninguna ninguno quita quitar elimina eliminar elimine borra borrar borre nunca retira sem não "
    "nao remova remover apague apagar nenhum nenhuma exclua "
    # Italian
    "senza rimuovi rimuovere togli togliere nessun nessuna nessuno cancella cancellare elimina niente "
    # Scandinavian
    "utan ingen inget inga bort uden uten ikke fjern fjerne slet intet inte "
    # Slavic
    "bez nie usuń usun żadnych zadnych brak odstraň odstran žádný žádné nema ukloni без нет не ни никаких убери убрать "
    "удали удалить удалите сотри стереть исключи немає прибери видали жодного жодних няма махни "
    # others
    "ilman poista ei älä olmadan yok kaldır sil silin nélkül nincs távolítsd töröld fără nu șterge elimină tanpa hapus "
    "hilangkan tidak jangan không xóa bỏ đừng χωρίς όχι αφαίρεσε διέγραψε μην בלי ללא הסר מחק אין بدون لا أزل احذف بلا "
    "बिना नहीं हटाओ "
)
_ACCENTED = word_set(
    "café cafés naïve façade crème crêpe crêpes piñata piñatas jalapeño jalapeños éclair éclairs soufflé"
)
_REFUSING_PARTS = re.compile(
    "没|沒|无|無|不|别|別|勿|去掉|去除|删|刪|移除|除|拿走|なし|ない|ません|消|やめ|없|제거|삭제|지우|지워|빼|말고|않|"
    "ไม่|ลบ"
)


def is_foreign(word: str) -> bool:
    """Whether a word proves that the prompt is not English."""
    return word in _WORDS or word in _REFUSING or not (word.isascii() or word in _ACCENTED)


def refuses(words: Sequence[str]) -> bool:
    """Whether a sentence with a foreign word in it says no to something, or asks for something to be taken away."""
    return any(word in _REFUSING or _REFUSING_PARTS.search(word) for word in words)
