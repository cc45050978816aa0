"""A contract check: account numbers of one country."""


class Iban:
    def violates(self, column, country):
        return ~column.str.starts_with(country) | (column.str.len_chars() < 15)

    def violates_sql(self, column, dialect, country):
        return f"substr({column}, 1, 2) <> '{country}' OR length({column}) < 15"


iban = Iban()
